/** Ranks as threads of one JVM, and the network between them. */
@NullMarked
package io.gyre.local;

import org.jspecify.annotations.NullMarked;
