package io.gyre.transport;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.media.UdpChannel;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import org.agrona.concurrent.status.AtomicCounter;
import org.jspecify.annotations.Nullable;

/** The sending end of a channel with all that leaves it sealed, and all that comes back to it opened. */
class SealedSendEndpoint extends CalmSendEndpoint {

    private final DatagramSeal seal;
    private final int number;
    private long counter;

    SealedSendEndpoint(UdpChannel channel, AtomicCounter status, MediaDriver.Context context, DatagramSeal seal) {
        super(channel, status, context);
        this.seal = seal;
        this.number = seal.nextEndpoint();
    }

    @Override
    public int send(ByteBuffer text) {
        ByteBuffer sealed = seal.seal(text, connectAddress, number, ++counter);
        return sealed == null ? 0 : DatagramSeal.sent(text, sealed.remaining() == super.send(sealed));
    }

    @Override
    public int send(ByteBuffer text, InetSocketAddress to) {
        ByteBuffer sealed = seal.seal(text, to, number, ++counter);
        return sealed == null ? 0 : DatagramSeal.sent(text, sealed.remaining() == super.send(sealed, to));
    }

    @Override
    public @Nullable InetSocketAddress receive(ByteBuffer buffer) {
        for (int dropped = 0; dropped < DatagramSeal.MOST_DROPPED; dropped++) {
            InetSocketAddress from = super.receive(buffer);
            if (from == null || seal.open(buffer, from)) {
                return from;
            }
        }
        return null;
    }
}
