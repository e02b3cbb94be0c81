package io.gyre;

/** A rank of the session has died, left, or been cut off. Everything this session does from here on fails with it. */
public final class PeerLostException extends GyreException {

    private static final long serialVersionUID = 1L;

    private final transient Member peer;
    private final int rank;

    /**
     * Names the dead rank and what this one was doing.
     *
     * @param observer rank that reports it
     * @param peer who is gone
     * @param reason how that was noticed
     * @param doing activity of the observer, in words
     */
    public PeerLostException(int observer, Member peer, String reason, String doing) {
        super("rank " + observer + " stopped in " + doing + ": " + peer + " is gone (" + reason
                + "). Look at the output of " + "rank " + peer.rank()
                + " for the cause, then start the run again, from its last checkpoint if it has one.");
        this.peer = peer;
        this.rank = peer.rank();
    }

    /** Who is gone. */
    public Member peer() {
        return peer;
    }

    /** Rank of who is gone. */
    public int rank() {
        return rank;
    }
}
