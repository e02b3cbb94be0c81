/** Small parts, measured by JMH in a JVM of their own. */
@NullMarked
package io.gyre.benchmarks.jmh;

import org.jspecify.annotations.NullMarked;
