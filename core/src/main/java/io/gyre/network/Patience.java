package io.gyre.network;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a rank waits for others: backs off, checks from time to time whether the wait still makes sense, warns once of a
 * slow peer, and ends a hopeless wait. The common part of {@link Endpoint#await}; one instance per endpoint, used by
 * its thread.
 */
public final class Patience {

    private static final Logger LOG = LoggerFactory.getLogger(Patience.class);
    private static final long WARN_NANOS = 10_000_000_000L;

    private final int rank;
    private final Duration peerTimeout;
    private final PeerStatus verdicts;
    private final Backoff backoff;
    private final LongSupplier clock;
    private final WaitObservers observers;
    private boolean leftNoticed;

    /** Whether the observers know of the present wait; then for whom it was, and since when. */
    private boolean observed;

    private @Nullable Member awaited;
    private long sinceNanos;

    /** Creates a policy whose waits nobody observes. */
    public Patience(int rank, Duration peerTimeout, PeerStatus verdicts, Backoff backoff, LongSupplier clock) {
        this(rank, peerTimeout, verdicts, backoff, clock, new WaitObservers());
    }

    /**
     * Creates the waiting policy of one rank.
     *
     * @param rank the waiting rank
     * @param peerTimeout limit of a wait without progress
     * @param verdicts status of the other ranks
     * @param backoff owned from now on
     * @param clock nanoseconds, from any origin; read only when a wait has lasted a while
     * @param observers told of waits that last a while; borrowed
     */
    public Patience(
            int rank,
            Duration peerTimeout,
            PeerStatus verdicts,
            Backoff backoff,
            LongSupplier clock,
            WaitObservers observers) {
        this.rank = rank;
        this.peerTimeout = peerTimeout;
        this.verdicts = verdicts;
        this.backoff = backoff;
        this.clock = clock;
        this.observers = observers;
    }

    /** One turn of a waiting loop, as {@link Endpoint#await} describes it. */
    public void turn(int workDone, Activity activity) {
        if (workDone > 0) {
            if (observed) {
                observed = false;
                observers.waitEnded(activity, awaited, sinceNanos, clock.getAsLong());
            }
            activity.progressed();
            backoff.reset();
            leftNoticed = false;
            return;
        }
        if (backoff.isLong()) {
            verdicts.check(rank, activity);
            checkLeft(activity);
            checkSilence(activity);
        }
        backoff.pause();
    }

    /**
     * Gives up on a peer that has left, but only at the second check: its last frames may have arrived after the first
     * poll.
     */
    private void checkLeft(Activity activity) {
        Member peer = activity.peer();
        if (peer != null && verdicts.hasLeft(peer.rank())) {
            if (leftNoticed) {
                throw new PeerLostException(rank, peer, verdicts.howLeft(peer.rank()), activity.toString());
            }
            leftNoticed = true;
        }
    }

    private void checkSilence(Activity activity) {
        long now = clock.getAsLong();
        long silent = activity.silentNanos(now);
        Member peer = activity.peer();
        // A service that waits for anybody's request has nothing to do, and waits for no rank.
        if (!observed && peer != null && !observers.isEmpty()) {
            observed = true;
            awaited = peer;
            sinceNanos = now - silent;
            observers.waitBegan(activity, sinceNanos);
        }
        if (silent > peerTimeout.toNanos()) {
            throw new PeerTimeoutException(rank, peer, activity.toString(), peerTimeout);
        }
        if (silent > WARN_NANOS && activity.shouldWarn()) {
            LOG.warn("rank {} has waited 10 s in {} for {}", rank, activity, peer);
        }
        if (Thread.currentThread().isInterrupted()) {
            // If the interrupt is because of a lost rank, the loss is known by now: report that instead.
            verdicts.check(rank, activity);
            throw new GyreException("rank " + rank + " was interrupted in " + activity);
        }
    }
}
