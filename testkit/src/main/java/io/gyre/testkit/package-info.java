/** Contract tests for networks and collectives, ranks as processes that can be killed, and a search for leaks. */
@NullMarked
package io.gyre.testkit;

import org.jspecify.annotations.NullMarked;
