package io.gyre.transport;

import io.aeron.Aeron;
import io.aeron.Image;
import io.aeron.Subscription;
import io.aeron.exceptions.AeronException;
import io.aeron.logbuffer.ControlledFragmentHandler;
import io.aeron.logbuffer.Header;
import io.gyre.PeerLostException;
import io.gyre.ProtocolException;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import java.nio.ByteBuffer;
import org.agrona.DirectBuffer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The receiving end of a stream. Every frame is checked before it is delivered. An unexpected frame breaks the link for
 * good, because Aeron may lose frames or, over UDP, be made to deliver forged ones.
 */
final class AeronFrameReceiver implements FrameReceiver, ControlledFragmentHandler {

    private static final Logger LOG = LoggerFactory.getLogger(AeronFrameReceiver.class);

    private final AeronLink link;
    private final Aeron client;
    private final boolean ownsClient;
    private final AeronFaults faults;
    private final long registration;
    private final long deadline = AeronLink.openDeadline();
    private final TermView terms = new TermView();
    private final FrameGuard guard;
    private final Frame frame = new Frame();
    private @Nullable Subscription subscription;
    private @Nullable Image image;
    private @Nullable Handler handler;
    private @Nullable Throwable broken;
    private long imageEndedNanos;

    /**
     * Starts to open a stream.
     *
     * @param client of the driver that holds the stream: this rank's own for UDP, the peer's in shared memory
     * @param ownsClient whether the client is used for nothing else, and closed with this receiver
     * @param faults the errors of that client
     */
    AeronFrameReceiver(
            AeronLink link, Aeron client, boolean ownsClient, AeronFaults faults, String channel, int stream) {
        this.link = link;
        this.client = client;
        this.ownsClient = ownsClient;
        this.faults = faults;
        this.guard = new FrameGuard(link.run(), link.generation(), link.peer().rank());
        this.registration = link.node().locked(() -> client.asyncAddSubscription(channel, stream));
    }

    private @Nullable Image open() {
        Subscription opened = subscription;
        if (opened == null) {
            opened = link.node().locked(() -> {
                try {
                    return client.getSubscription(registration);
                } catch (AeronException e) {
                    throw link.refused(this.toString(), e);
                }
            });
            if (opened == null) {
                link.checkDeadline(deadline, toString());
                return null;
            }
            subscription = opened;
        }
        if (opened.imageCount() == 0) {
            return null;
        }
        // The first image only: a later one would start after a gap.
        image = opened.imageAtIndex(0);
        return image;
    }

    @Override
    public int poll(Handler handler, int limit) {
        if (broken != null) {
            throw new ProtocolException(this + " broke when a frame could not be handled; see the first error");
        }
        Image source = image != null ? image : open();
        if (source == null) {
            link.node().hurry();
            return 0;
        }
        this.handler = handler;
        link.gate().enter();
        int count;
        try {
            count = source.controlledPoll(this, limit);
        } finally {
            link.gate().exit();
        }
        if (count == 0) {
            noticeEnd(source);
        } else if (broken != null) {
            rethrow(broken);
        }
        return count;
    }

    private void noticeEnd(Image source) {
        if (imageEndedNanos == 0 && source.isClosed()) {
            imageEndedNanos = System.nanoTime() | 1;
        }
    }

    private static void rethrow(Throwable failure) {
        if (failure instanceof Error error) {
            throw error;
        }
        throw (RuntimeException) failure;
    }

    /** Aeron's side of {@link #poll}: Aeron would report an exception elsewhere and continue with the next frame. */
    @Override
    public Action onFragment(DirectBuffer buffer, int offset, int length, Header header) {
        try {
            return onFrame(buffer, offset, length, header) ? Action.CONTINUE : Action.BREAK;
        } catch (RuntimeException | Error e) {
            broken = e;
            return Action.BREAK;
        }
    }

    private boolean onFrame(DirectBuffer buffer, int offset, int length, Header header) {
        ByteBuffer term = terms.of(buffer.byteBuffer());
        int at = buffer.wrapAdjustment() + offset;
        try {
            int checksum = terms.checksum(term, at, length);
            if (!guard.admit(buffer, offset, length, header.reservedValue(), checksum, frame)) {
                return true;
            }
        } catch (ProtocolException e) {
            throw new ProtocolException(
                    "rank " + link.own() + " cannot continue to read " + this + ": " + e.getMessage());
        }
        Handler receiver = handler;
        return receiver == null || receiver.onFrame(frame, term, at + FrameHeader.BYTES);
    }

    long frames() {
        return guard.admitted();
    }

    /**
     * Fails if nothing more can arrive: the stream has ended, or its driver has ended, and there is still no better
     * explanation.
     */
    void check(Object doing) {
        Throwable fault = faults.settled();
        if (fault != null) {
            LOG.debug("{} ended", this, fault);
            throw new PeerLostException(
                    link.own(), link.peer(), "its media driver has ended: " + fault.getMessage(), doing.toString());
        }
        if (imageEndedNanos != 0 && System.nanoTime() - imageEndedNanos > AeronFaults.GRACE.toNanos()) {
            throw new PeerLostException(link.own(), link.peer(), "its stream ended unexpectedly", doing.toString());
        }
    }

    /** Stops reading. No thread may be polling. */
    void close() {
        link.node().locked(() -> {
            Subscription opened = subscription;
            if (ownsClient) {
                link.node().detach(client);
            } else if (opened != null) {
                opened.close();
            }
            return true;
        });
    }

    @Override
    public String toString() {
        return "the stream from " + link.peer();
    }
}
