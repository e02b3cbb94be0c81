/** {@code gyre train}: the process that starts the ranks, and the program that each rank runs. */
@NullMarked
package io.gyre.samples.train;

import org.jspecify.annotations.NullMarked;
