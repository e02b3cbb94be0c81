package io.gyre.network;

import io.gyre.Member;
import org.jspecify.annotations.Nullable;

/**
 * Hears of the waits of one rank's threads for other ranks, once they last longer than a thread spins and yields, which
 * is some tens of microseconds. Times are those of the network's clock: {@link System#nanoTime}, except in a
 * simulation.
 *
 * <p>Called on the thread that waits, of which there may be several. An activity is reused: it may be read during the
 * call only.
 */
public interface WaitObserver {

    /**
     * A wait has become long.
     *
     * @param activity what is waited in, and for which peer
     * @param beginNanos when the wait was first timed
     */
    default void waitBegan(Activity activity, long beginNanos) {}

    /**
     * A wait that was reported has ended. Not called if it has failed.
     *
     * @param activity what was waited in
     * @param peer the rank that was waited for when the wait became long; null if no particular one
     */
    default void waitEnded(Activity activity, @Nullable Member peer, long beginNanos, long endNanos) {}
}
