/** Memory outside the heap, as rows of bytes, and boxes of it that ranks of one host share. */
@NullMarked
package io.gyre.memory;

import org.jspecify.annotations.NullMarked;
