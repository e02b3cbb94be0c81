/** Runnable programs, one topic each. */
@NullMarked
package io.gyre.samples;

import org.jspecify.annotations.NullMarked;
