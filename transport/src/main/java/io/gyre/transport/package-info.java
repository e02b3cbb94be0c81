/** Memory boxes, Aeron links and rendezvous sockets that carry bytes between ranks. */
@NullMarked
package io.gyre.transport;

import org.jspecify.annotations.NullMarked;
