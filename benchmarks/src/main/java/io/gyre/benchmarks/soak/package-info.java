/** Trains in many JVMs with continuous garbage collection, to test whether ND4J survives it. */
@NullMarked
package io.gyre.benchmarks.soak;

import org.jspecify.annotations.NullMarked;
