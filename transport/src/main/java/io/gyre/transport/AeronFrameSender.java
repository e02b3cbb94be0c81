package io.gyre.transport;

import io.aeron.ExclusivePublication;
import io.aeron.Publication;
import io.aeron.exceptions.AeronException;
import io.aeron.logbuffer.BufferClaim;
import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import org.agrona.MutableDirectBuffer;

/** The sending end of a stream: frames are written directly into the log from which the peer, or the network, reads. */
final class AeronFrameSender implements FrameSender {

    /** Aeron's own header. */
    private static final int AERON_HEADER_BYTES = 32;

    /**
     * Alignment of a vector's fragments: whole elements of any type. With a cache line's alignment, Ethernet frames
     * would be less full.
     */
    private static final int PAYLOAD_ALIGNMENT = 32;

    private final AeronLink link;
    private final boolean udp;
    private final int maxPayload;
    private final BufferClaim claim = new BufferClaim();
    private final TermView terms = new TermView();
    private final ExclusivePublication publication;
    private final StreamPositions positions;
    private long sequence;
    private long payloadBytes;

    /**
     * Opens a stream; whether it has a reader shows later.
     *
     * @param channel the complete Aeron channel
     * @param udp whether it leaves this host
     * @param mtu longest frame including all headers
     */
    AeronFrameSender(AeronLink link, String channel, int stream, boolean udp, int mtu) {
        this.link = link;
        this.udp = udp;
        this.maxPayload = (mtu - AERON_HEADER_BYTES - FrameHeader.BYTES) & -PAYLOAD_ALIGNMENT;
        this.publication = link.node().locked(() -> {
            try {
                return link.node().client().addExclusivePublication(channel, stream);
            } catch (AeronException e) {
                throw link.refused(toString(), e);
            }
        });
        this.positions = new StreamPositions(link.node(), publication);
    }

    /** Payload bytes sent so far. */
    long payloadBytes() {
        return payloadBytes;
    }

    long frames() {
        return sequence;
    }

    @Override
    public int maxPayload() {
        return maxPayload;
    }

    @Override
    public boolean offer(Frame frame, Region source, long offset) {
        checkLength(frame);
        link.gate().enter();
        try {
            if (!claim(frame)) {
                return false;
            }
            ByteBuffer term = terms.of(claim.buffer().byteBuffer());
            int at = claim.buffer().wrapAdjustment() + claim.offset();
            boolean copied = false;
            try {
                source.copyTo(offset, term, at + FrameHeader.BYTES, frame.length());
                copied = true;
            } finally {
                finish(copied, term, at, frame);
            }
            return true;
        } finally {
            link.gate().exit();
        }
    }

    @Override
    public boolean offer(Frame frame, ByteBuffer source, int offset) {
        checkLength(frame);
        link.gate().enter();
        try {
            if (!claim(frame)) {
                return false;
            }
            ByteBuffer term = terms.of(claim.buffer().byteBuffer());
            int at = claim.buffer().wrapAdjustment() + claim.offset();
            boolean copied = false;
            try {
                term.put(at + FrameHeader.BYTES, source, offset, frame.length());
                copied = true;
            } finally {
                finish(copied, term, at, frame);
            }
            return true;
        } finally {
            link.gate().exit();
        }
    }

    private void checkLength(Frame frame) {
        if (frame.length() < 0 || frame.length() > maxPayload) {
            throw new IllegalArgumentException("a frame of " + frame.length() + " bytes: 0 to " + maxPayload + " fit");
        }
    }

    /** Claims space in the log; false if there is none, or no reader. The waiting caller finds out why. */
    private boolean claim(Frame frame) {
        int length = FrameHeader.BYTES + frame.length();
        long position = publication.tryClaim(length, claim);
        if (position == Publication.ADMIN_ACTION) {
            // The term has just rotated: there is space in the next one.
            position = publication.tryClaim(length, claim);
        }
        return position > 0;
    }

    private void finish(boolean copied, ByteBuffer term, int at, Frame frame) {
        if (!copied) {
            claim.abort();
            return;
        }
        MutableDirectBuffer buffer = claim.buffer();
        FrameHeader.write(buffer, claim.offset(), frame, link.run(), link.generation(), link.own());
        int checksum = terms.checksum(term, at, FrameHeader.BYTES + frame.length());
        claim.reservedValue(FrameHeader.stamp(checksum, sequence)).commit();
        sequence++;
        payloadBytes += frame.length();
    }

    /**
     * Position up to which the stream has been handed to the network; its end on one host, where the reader reads it
     * directly.
     */
    long sentPosition() {
        return udp ? positions.sent() : publication.position();
    }

    /** Whether all frames have been handed to the network. */
    boolean isSent() {
        return publication.isClosed() || sentPosition() >= publication.position();
    }

    /** Whether this end may close: the reader has read everything, or everything is on its way. */
    boolean isDrained() {
        return udp ? isSent() : positions.isConsumed();
    }

    /** Stops sending; unsent data are dropped. */
    void close() {
        link.node().locked(() -> {
            publication.close();
            return true;
        });
    }

    @Override
    public String toString() {
        return "the stream to " + link.peer();
    }
}
