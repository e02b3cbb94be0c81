package io.gyre;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A peer is alive, as far as anybody knows, but nothing came from it for longer than the session's peer timeout. */
public final class PeerTimeoutException extends GyreException {

    private static final long serialVersionUID = 1L;

    private final int rank;

    /**
     * Says who waited for whom.
     *
     * @param observer rank that gave up
     * @param peer for whom it waited; null if for nobody in particular
     * @param doing activity of the observer, in words
     * @param timeout how long it waited
     */
    public PeerTimeoutException(int observer, @Nullable Member peer, String doing, Duration timeout) {
        super("rank " + observer + " gave up after " + timeout.toMillis() + " ms in " + doing + ": no progress from "
                + (peer == null ? "any rank" : peer)
                + ". If it is only slow, raise the peer timeout; if it hangs, its stack (jstack) tells where.");
        this.rank = peer == null ? -1 : peer.rank();
    }

    /** Rank for which this one waited, or -1. */
    public int rank() {
        return rank;
    }
}
