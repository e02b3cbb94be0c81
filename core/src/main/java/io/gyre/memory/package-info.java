/** Off-heap memory as regions, and memory boxes that ranks of one host share. */
@NullMarked
package io.gyre.memory;

import org.jspecify.annotations.NullMarked;
