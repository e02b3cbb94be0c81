/** Trains in many JVMs that collect garbage all the time, to see whether ND4J survives it. */
@NullMarked
package io.gyre.benchmarks.soak;

import org.jspecify.annotations.NullMarked;
