/** Runs that are watched: what each rank tells of itself, a page in a browser, and {@code gyre top} in a terminal. */
@NullMarked
package io.gyre.live;

import org.jspecify.annotations.NullMarked;
