/** Micro-benchmarks, run by JMH in their own JVM. */
@NullMarked
package io.gyre.benchmarks.jmh;

import org.jspecify.annotations.NullMarked;
