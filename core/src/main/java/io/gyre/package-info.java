/**
 * Types that all of Gyre shares: worlds and their ranks, chunks, element types, and the exceptions. Needs no JVM flag.
 */
@NullMarked
package io.gyre;

import org.jspecify.annotations.NullMarked;
