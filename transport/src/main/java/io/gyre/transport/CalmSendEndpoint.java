package io.gyre.transport;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.media.SendChannelEndpoint;
import io.aeron.driver.media.UdpChannel;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import org.agrona.concurrent.NanoClock;
import org.agrona.concurrent.status.AtomicCounter;
import org.jspecify.annotations.Nullable;

/**
 * The sending end of a channel that does not read its receivers' status messages in every turn of the driver. One
 * arrives per quarter of a window, and polling an empty socket costs half as much as receiving a datagram.
 */
class CalmSendEndpoint extends SendChannelEndpoint {

    /** Much less than a quarter of a window takes at any rate that a core can send. */
    private static final long PAUSE_NANOS = 10_000;

    private final NanoClock clock;
    private long emptySinceNanos;

    CalmSendEndpoint(UdpChannel channel, AtomicCounter status, MediaDriver.Context context) {
        super(channel, status, context);
        clock = context.senderCachedNanoClock();
        emptySinceNanos = clock.nanoTime() - PAUSE_NANOS;
    }

    @Override
    public @Nullable InetSocketAddress receive(ByteBuffer buffer) {
        long now = clock.nanoTime();
        if (now - emptySinceNanos < PAUSE_NANOS) {
            return null;
        }
        InetSocketAddress from = super.receive(buffer);
        if (from == null) {
            emptySinceNanos = now;
        }
        return from;
    }
}
