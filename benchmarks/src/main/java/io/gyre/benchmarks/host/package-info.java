/** The load of the host on which a benchmark runs. */
@NullMarked
package io.gyre.benchmarks.host;

import org.jspecify.annotations.NullMarked;
