/**
 * Memory that many ranks share through servers, and on it parameters that are trained without waiting for everybody.
 */
@NullMarked
package io.gyre.paramserver;

import org.jspecify.annotations.NullMarked;
