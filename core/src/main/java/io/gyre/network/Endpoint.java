package io.gyre.network;

import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.World;
import io.gyre.memory.MemoryBoxes;

/**
 * One rank's end of the network: ordered streams of frames to and from each peer, and the way to wait for them.
 *
 * <p>Streams open on first use. Frames arrive complete, once, in order and unchanged, or an exception ends the wait;
 * none is ever dropped silently.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread at a time: the one that runs the collective. An endpoint never calls back on another thread.
 *   <dt>Failure
 *   <dd>{@link PeerLostException} and {@link PeerTimeoutException} from {@link #await}; afterwards the endpoint can no
 *       longer be used, and regions being reduced hold partial results.
 * </dl>
 */
public interface Endpoint {

    /** This rank, and the number of ranks. */
    World world();

    /** The member with rank {@code rank}. */
    Member member(int rank);

    /** Stream to {@code peer}, which must not be this rank. */
    FrameSender sender(int peer);

    /** Stream from {@code peer}, which must not be this rank. */
    FrameReceiver receiver(int peer);

    /**
     * One turn of a waiting loop: call it after each attempt to send and receive. It keeps the network moving, backs
     * off when there is nothing to do, and ends a hopeless wait.
     *
     * @param workDone frames sent and received since the last call; more than 0 restarts the timeout
     * @param activity what this rank is doing and which peer it waits for, for the error
     * @throws PeerLostException if a rank of the session was lost
     * @throws PeerTimeoutException if there was no progress for the session's peer timeout
     */
    void await(int workDone, Activity activity);

    /**
     * Waits until all that was offered has been sent, so that this rank may stop calling {@link #await} for a while.
     */
    void flush(Activity activity);

    /**
     * Opens new streams to and from a restarted worker, in place of its predecessor's. What the predecessor still had
     * in flight is dropped. Request senders and receivers again afterwards.
     */
    default void renew(int peer) {
        throw new UnsupportedOperationException("rank " + peer + " of this network cannot be restarted");
    }

    /** Memory that this rank shares with others on its host. */
    MemoryBoxes boxes();

    /**
     * The network as a group of ranks sees it, in which they are numbered 0 to {@code ranks.length - 1} in the given
     * order. Groups may overlap; a rank runs operations of one group at a time.
     *
     * @param ranks the members by their number here, without repetition, including this rank; the same on all of them
     */
    default Endpoint group(int... ranks) {
        return new GroupEndpoint(this, ranks);
    }
}
