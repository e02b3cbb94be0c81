/** Sums at memory speed, by native code where the class path has it. */
@NullMarked
package io.gyre.openblas;

import org.jspecify.annotations.NullMarked;
