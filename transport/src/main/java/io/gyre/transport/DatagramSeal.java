package io.gyre.transport;

import io.gyre.membership.Membership;
import io.gyre.membership.RunId;
import io.gyre.transport.Rejections.Reason;
import io.gyre.transport.SealedPeer.Source;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import org.agrona.BufferUtil;
import org.jspecify.annotations.Nullable;

/**
 * Seals what Aeron sends, and opens what it receives: a datagram that no member of the run has sealed for this process,
 * just now and at this place, does not reach Aeron. {@link DatagramHeader} is the format.
 *
 * <p>Shared by all channel endpoints of a driver, and used by the thread that runs it. Sealing and opening allocate
 * nothing but what Java's cipher does.
 */
final class DatagramSeal {

    /** A channel endpoint drops this many datagrams in a turn of the driver before it reports that none has come. */
    static final int MOST_DROPPED = 16;

    private static final int ALIGNMENT = 64;

    private final KeyRing ring;
    private final Rejections rejections;
    private final byte[] in = new byte[JoinOptions.MAX_MTU];
    private final byte[] out = new byte[JoinOptions.MAX_MTU];
    private final ByteBuffer header = ByteBuffer.allocate(DatagramHeader.BYTES);
    private final ByteBuffer wire = BufferUtil.allocateDirectAligned(JoinOptions.MAX_MTU, ALIGNMENT);
    private int endpoints;

    /**
     * Begins without keys.
     *
     * @param membership borrowed; knows the peers and the group key
     * @param salt of this process, random
     * @param mostBlocks that one key seals: {@link SealedPeer#MOST_BLOCKS} but in tests
     */
    DatagramSeal(Membership membership, RunId run, String salt, long mostBlocks) {
        this.ring = new KeyRing(membership, run, salt, mostBlocks);
        this.rejections = new Rejections(membership::rank, System::nanoTime);
    }

    /** Numbers a new channel endpoint. The number is part of each nonce, and so is never used again. */
    int nextEndpoint() {
        if (endpoints == DatagramHeader.ENDPOINTS) {
            throw new IllegalStateException("more than " + DatagramHeader.ENDPOINTS + " channel endpoints");
        }
        return endpoints++;
    }

    /**
     * Seals a datagram.
     *
     * @param text from position to limit, which stay
     * @param to where it will be sent
     * @param endpoint number of the sending channel endpoint
     * @param counter of that endpoint, never used before
     * @return what to send, valid until the next call; null if there is no key for that address, or none yet
     */
    @Nullable ByteBuffer seal(ByteBuffer text, InetSocketAddress to, int endpoint, long counter) {
        SealedPeer peer = ring.isReady() ? ring.at(to) : null;
        if (peer == null) {
            return null;
        }
        int length = text.remaining();
        text.get(text.position(), in, 0, length);
        DatagramCipher cipher = peer.sealing(length);
        long number = DatagramHeader.number(peer.sealingEdition(), counter);
        int sealed = cipher.seal(endpoint, number, in, length, out);
        wire.clear();
        DatagramHeader.write(wire, ring.generation(), ring.rank(), endpoint, number);
        wire.put(DatagramHeader.BYTES, out, 0, sealed).limit(DatagramHeader.BYTES + sealed);
        return wire;
    }

    /** Number of bytes of a text that have been sent in a sealed datagram: all, which are then consumed, or none. */
    static int sent(ByteBuffer text, boolean complete) {
        if (!complete) {
            return 0;
        }
        int length = text.remaining();
        text.position(text.limit());
        return length;
    }

    /**
     * Opens a datagram, in its place, or counts why not.
     *
     * @param datagram from 0 to its position, which is moved to the end of the text
     * @param from where it came from
     * @return whether a peer has sealed it for this process and it arrives for the first time; otherwise it must be
     *     dropped
     */
    boolean open(ByteBuffer datagram, InetSocketAddress from) {
        Reason reason = tryToOpen(datagram, from);
        if (reason != null) {
            rejections.count(reason, from);
        }
        return reason == null;
    }

    private @Nullable Reason tryToOpen(ByteBuffer datagram, InetSocketAddress from) {
        int length = datagram.position() - DatagramHeader.BYTES;
        if (length < DatagramCipher.TAG_BYTES) {
            return Reason.SHORT;
        }
        if (!ring.isReady()) {
            return Reason.LATER;
        }
        datagram.get(0, header.array());
        int generation = DatagramHeader.generation(header);
        SealedPeer peer = ring.of(DatagramHeader.rank(header));
        if (peer == null || generation > ring.generation() + 1) {
            return Reason.STRANGE;
        }
        if (generation != ring.generation()) {
            return generation < ring.generation() ? Reason.EARLIER : Reason.LATER;
        }
        int endpoint = DatagramHeader.endpoint(header);
        long counter = DatagramHeader.counter(header);
        Source source = peer.sources().get(endpoint);
        if (source == null && peer.sources().size() == SealedPeer.MOST_SOURCES) {
            return Reason.CROWDED;
        }
        if (source != null && !source.address.equals(from)) {
            return Reason.MOVED;
        }
        if (source != null ? !source.window.isNew(counter) : counter == 0) {
            return Reason.REPLAYED;
        }
        int edition = DatagramHeader.edition(header);
        DatagramCipher opening = peer.opening(edition);
        if (opening == null) {
            return Reason.STALE;
        }
        datagram.get(DatagramHeader.BYTES, in, 0, length);
        int text = opening.open(endpoint, DatagramHeader.number(header), in, length, out);
        if (text == DatagramCipher.FORGED) {
            return Reason.FORGED;
        }
        peer.opened(edition);
        if (source == null) {
            source = new Source(from);
            peer.sources().put(endpoint, source);
            ring.place(peer, from);
        }
        source.window.add(counter);
        datagram.put(0, out, 0, text).position(text);
        return null;
    }

    /** What was dropped. */
    Rejections rejections() {
        return rejections;
    }
}
