/**
 * Memory that many ranks share through servers, and parameters in it that are trained without waiting for all ranks.
 */
@NullMarked
package io.gyre.paramserver;

import org.jspecify.annotations.NullMarked;
