package io.gyre.network;

import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.World;
import io.gyre.memory.MemoryBoxes;

/**
 * One rank's end of the network: ordered streams of frames to and from each peer, and the one way to wait for them.
 *
 * <p>Streams open on first use. Frames arrive complete, once, in order and unchanged, or an exception ends the wait;
 * nothing is ever dropped silently.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread at a time: the one that runs the collective. An endpoint never calls back on another.
 *   <dt>Failure
 *   <dd>{@link PeerLostException} and {@link PeerTimeoutException} from {@link #await}; after either the endpoint is of
 *       no more use, and regions being combined hold partial results.
 * </dl>
 */
public interface Endpoint {

    /** This rank, and how many there are. */
    World world();

    /** Who {@code rank} is. */
    Member member(int rank);

    /** Stream to {@code peer}, which must not be this rank. */
    FrameSender sender(int peer);

    /** Stream from {@code peer}, which must not be this rank. */
    FrameReceiver receiver(int peer);

    /**
     * One turn of a waiting loop: call it after each attempt to send and receive. It keeps the network moving, backs
     * off when there is nothing to do, and ends a wait that is hopeless.
     *
     * @param workDone frames sent and received since the last call; more than 0 restarts the wait's clock
     * @param activity what this rank is doing and for whom it waits, for the error
     * @throws PeerLostException if a rank of the session has died
     * @throws PeerTimeoutException if there was no progress for the session's peer timeout
     */
    void await(int workDone, Activity activity);

    /** Waits until all that was offered has left this rank, so that it may stop calling {@link #await} for a while. */
    void flush(Activity activity);

    /**
     * Opens new streams to and from a restarted rank, in place of those of its predecessor. What that had still on the
     * way is dropped. Senders and receivers must be asked for again.
     */
    default void renew(int peer) {
        throw new UnsupportedOperationException("rank " + peer + " of this network cannot come back");
    }

    /** Memory that this rank shares with others of its host. */
    MemoryBoxes boxes();

    /**
     * The part of this network that a group of ranks sees, in which they are numbered 0 to {@code ranks.length - 1} in
     * the order given. Groups may overlap; a rank runs operations of one group at a time.
     *
     * @param ranks the members by their number here, without repetition, this rank among them; the same on all of them
     */
    default Endpoint group(int... ranks) {
        return new GroupEndpoint(this, ranks);
    }
}
