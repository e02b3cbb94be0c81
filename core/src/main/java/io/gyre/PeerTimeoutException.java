package io.gyre;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A peer seems alive, but nothing was received from it for longer than the session's peer timeout. */
public final class PeerTimeoutException extends GyreException {

    private static final long serialVersionUID = 1L;

    private final int rank;

    /**
     * Names the observer and the peer.
     *
     * @param observer rank that gave up
     * @param peer the rank that it waited for; null if no particular one
     * @param doing activity of the observer, in words
     * @param timeout how long it waited
     */
    public PeerTimeoutException(int observer, @Nullable Member peer, String doing, Duration timeout) {
        super("rank " + observer + " gave up after " + timeout.toMillis() + " ms in " + doing + ": no progress from "
                + (peer == null ? "any rank" : peer)
                + ". If it is only slow, raise the peer timeout; if it hangs, its stack (jstack) tells where.");
        this.rank = peer == null ? -1 : peer.rank();
    }

    /** The rank that was awaited, or -1. */
    public int rank() {
        return rank;
    }
}
