/** All-reduce algorithms, and the choice among them. */
@NullMarked
package io.gyre.allreduce;

import org.jspecify.annotations.NullMarked;
