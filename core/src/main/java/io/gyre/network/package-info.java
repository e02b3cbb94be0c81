/** Frames between ranks: endpoints, collectives over them, and waits with a deadline and a name. */
@NullMarked
package io.gyre.network;

import org.jspecify.annotations.NullMarked;
