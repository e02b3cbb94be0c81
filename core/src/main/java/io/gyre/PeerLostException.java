package io.gyre;

/** A rank of the session was lost, or has left. All further operations of this session fail with this exception. */
public final class PeerLostException extends GyreException {

    private static final long serialVersionUID = 1L;

    /** Reason for a rank that has left; more words may follow. */
    public static final String LEFT = "it has left the run";

    private final transient Member peer;
    private final int rank;

    /**
     * Names the lost rank and what the observer was doing.
     *
     * @param observer rank that reports it
     * @param peer the lost rank
     * @param reason how the loss was noticed
     * @param doing activity of the observer, in words
     */
    public PeerLostException(int observer, Member peer, String reason, String doing) {
        super("rank " + observer + " stopped in " + doing + ": " + peer
                + (reason.startsWith(LEFT) ? absent(reason) : dead(reason, peer.rank())));
        this.peer = peer;
        this.rank = peer.rank();
    }

    private static String absent(String reason) {
        return " is absent (" + reason
                + ") and has not made this call. All ranks make the same calls in the same order: look for a condition"
                + " that only some of them meet, such as world().isRoot(), or a failure of that rank that its program"
                + " has not passed on.";
    }

    private static String dead(String reason, int rank) {
        return " was lost (" + reason + "). Look at the output of rank " + rank
                + " for the cause, then start the run again, from its last checkpoint if it has one.";
    }

    /**
     * Reason for a rank that has left, for {@link #PeerLostException}.
     *
     * @param lastCall the last call that it made together with others; empty if there was none
     */
    public static String left(String lastCall) {
        return LEFT + (lastCall.isEmpty() ? "" : "; the last call that it made with others was '" + lastCall + "'");
    }

    /** The lost member. */
    public Member peer() {
        return peer;
    }

    /** The lost rank. */
    public int rank() {
        return rank;
    }
}
