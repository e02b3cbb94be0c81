/** What the host does meanwhile that a benchmark runs on. */
@NullMarked
package io.gyre.benchmarks.host;

import org.jspecify.annotations.NullMarked;
