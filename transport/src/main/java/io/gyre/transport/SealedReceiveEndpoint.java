package io.gyre.transport;

import io.aeron.driver.DataPacketDispatcher;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.media.ReceiveChannelEndpoint;
import io.aeron.driver.media.UdpChannel;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import org.agrona.concurrent.status.AtomicCounter;
import org.jspecify.annotations.Nullable;

/** The receiving end of a channel with all that reaches it opened, and all that it answers sealed. */
final class SealedReceiveEndpoint extends ReceiveChannelEndpoint {

    private final DatagramSeal seal;
    private final int number;
    private long counter;

    SealedReceiveEndpoint(
            UdpChannel channel,
            DataPacketDispatcher dispatcher,
            AtomicCounter status,
            MediaDriver.Context context,
            DatagramSeal seal) {
        super(channel, dispatcher, status, context);
        this.seal = seal;
        this.number = seal.nextEndpoint();
    }

    @Override
    public int sendTo(ByteBuffer text, InetSocketAddress to) {
        ByteBuffer sealed = seal.seal(text, to, number, ++counter);
        return sealed == null ? 0 : DatagramSeal.sent(text, sealed.remaining() == super.sendTo(sealed, to));
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
