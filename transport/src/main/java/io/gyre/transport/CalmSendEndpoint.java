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
 * The sending end of a channel, which does not look for its receiver's answers in every turn of the driver. One comes
 * for every quarter of a window, and to ask the socket in vain costs half as much as to receive a datagram.
 */
final class CalmSendEndpoint extends SendChannelEndpoint {

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
