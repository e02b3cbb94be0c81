/** Arithmetic on off-heap memory: one interface, a plain implementation as oracle, a fast one that is used. */
@NullMarked
package io.gyre.kernel;

import org.jspecify.annotations.NullMarked;
