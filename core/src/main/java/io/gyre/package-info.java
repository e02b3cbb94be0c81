/**
 * The vocabulary of Gyre and the interfaces its modules meet at: worlds and ranks, regions of memory, frames and endpoints,
 * collectives, update strategies, sessions. Depends on SLF4J and nothing else; needs no JVM flag.
 */
@NullMarked
package io.gyre;

import org.jspecify.annotations.NullMarked;
