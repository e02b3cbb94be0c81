/** Contract tests for networks and collectives, and ranks as processes that can be killed. */
@NullMarked
package io.gyre.testkit;

import org.jspecify.annotations.NullMarked;
