/** What {@code gyre bench} runs: collectives among processes, measured and checked, and JMH. */
@NullMarked
package io.gyre.benchmarks;

import org.jspecify.annotations.NullMarked;
