/** Arithmetic on off-heap memory: one interface, a plain implementation as reference, and a fast one. */
@NullMarked
package io.gyre.kernel;

import org.jspecify.annotations.NullMarked;
