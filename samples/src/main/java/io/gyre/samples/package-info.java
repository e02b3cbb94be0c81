/** Runnable programs, one story each. */
@NullMarked
package io.gyre.samples;

import org.jspecify.annotations.NullMarked;
