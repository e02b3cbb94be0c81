package io.gyre;

/** A rank of the session has died, left, or been cut off. Everything this session does from here on fails with it. */
public final class PeerLostException extends GyreException {

    private static final long serialVersionUID = 1L;

    /** How a rank is gone that has ended in good order; words may follow. */
    public static final String LEFT = "it has left the run";

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
        super("rank " + observer + " stopped in " + doing + ": " + peer
                + (reason.startsWith(LEFT) ? absent(reason) : dead(reason, peer.rank())));
        this.peer = peer;
        this.rank = peer.rank();
    }

    private static String absent(String reason) {
        return " is gone (" + reason
                + ") and has not made this call. All ranks make the same calls in the same order: look for a condition"
                + " that only some of them meet, such as world().isRoot(), or a failure of that rank that its program"
                + " has not passed on.";
    }

    private static String dead(String reason, int rank) {
        return " is gone (" + reason + "). Look at the output of rank " + rank
                + " for the cause, then start the run again, from its last checkpoint if it has one.";
    }

    /**
     * How a rank is gone that has ended in good order, for {@link #PeerLostException}.
     *
     * @param lastCall the last call that it made together with others; empty if there was none
     */
    public static String left(String lastCall) {
        return LEFT + (lastCall.isEmpty() ? "" : "; the last call that it made with others was '" + lastCall + "'");
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
