package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.training.Bucket;
import io.gyre.training.UpdateStrategy;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Exchanges gradients while the backward pass goes on: buckets that are complete are combined with those of the other ranks by a
 * thread of its own, in the order of the plan, and the pass is followed by a wait for the last.
 *
 * <dl>
 *   <dt>Threads
 *   <dd>One daemon thread from the first to the last step. Where gradients are on a device the thread of the pass sends buckets to
 *       the host, and this one waits for them there and sends the sums back. It alone uses the collective between {@link #begin} and the end of
 *       {@link #finish}.
 *   <dt>Order
 *   <dd>Every rank combines every bucket in every step, also one without examples, and one whose model tells nothing: only the
 *       time differs.
 *   <dt>Failure
 *   <dd>What the exchange fails with is thrown by {@link #finish}; later steps fail with it too.
 * </dl>
 *
 * <p>After Li et al., <i>PyTorch Distributed</i>, VLDB 2020, section 3.2.
 */
final class GradientExchange implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(GradientExchange.class);
    private static final long CLOSE_MILLIS = 10_000;

    private final UpdateStrategy strategy;
    private final Replica replica;
    private final GradientSeals seals;
    private final List<Bucket> buckets;
    private final Semaphore ready = new Semaphore(0);
    private final Semaphore done = new Semaphore(0);
    private final Thread thread;
    private final boolean speaks;
    private boolean tried;
    private boolean hooksWork;
    private int handedOver;
    private long ownExamples;
    private volatile long step;
    private volatile long busyNanos;
    private volatile boolean closed;
    private volatile @Nullable Throwable failure;

    /** Starts the thread. */
    GradientExchange(UpdateStrategy strategy, Replica replica, GradientSeals seals, int rank) {
        this.strategy = strategy;
        this.replica = replica;
        this.seals = seals;
        buckets = replica.bucketPlan().buckets();
        speaks = rank == 0;
        thread = new Thread(this::run, "gyre-exchange-" + rank);
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        try (HostSide side = replica.sideOfAnotherThread()) {
            combine(side);
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    private void combine(HostSide side) {
        int next = 0;
        while (!closed) {
            try {
                ready.acquire();
                long begin = System.nanoTime();
                side.await(next);
                seals.check(buckets.get(next));
                strategy.combine(replica, buckets.get(next), step);
                side.giveBack(next);
                long nanos = System.nanoTime() - begin;
                busyNanos = next == 0 ? nanos : busyNanos + nanos;
                next = (next + 1) % buckets.size();
                done.release();
            } catch (InterruptedException e) {
                fail(new GyreException("the exchange of gradients was interrupted", e));
            } catch (RuntimeException | Error e) {
                fail(e);
            }
        }
        // What follows ends soon, and must not be cut short.
        boolean unused = Thread.interrupted();
    }

    private void fail(Throwable found) {
        failure = found;
        closed = true;
        done.release(buckets.size());
    }

    /**
     * Takes this rank's part in a step up to the end of its backward pass.
     *
     * @param pass computes the gradients, and tells the listener it is given, if any
     * @param examples of this rank; 0 if the pass has none
     * @return the loss
     */
    double begin(Replica.Pass pass, long examples, long ofStep) {
        step = ofStep;
        handedOver = 0;
        ownExamples = examples;
        if (examples == 0) {
            return pass.run(null);
        }
        if (!tried) {
            return tryHooks(pass);
        }
        return pass.run(hooksWork ? this::completeFrom : null);
    }

    private double tryHooks(Replica.Pass pass) {
        FinalityCheck check =
                new FinalityCheck(replica.gradients(), replica.elementType().bytes(), replica::fetch);
        double score = pass.run(check);
        String objection = check.objection();
        tried = true;
        hooksWork = objection.isEmpty();
        // The same on all ranks: the first says it.
        if (!hooksWork && speaks) {
            LOG.info("Gradients are exchanged after each backward pass, and not during it: {}", objection);
        }
        return score;
    }

    private void completeFrom(long offset) {
        while (handedOver < buckets.size() && buckets.get(handedOver).offset() >= offset) {
            replica.weigh(buckets.get(handedOver), ownExamples);
            seals.seal(buckets.get(handedOver));
            replica.leave(buckets.get(handedOver));
            handedOver++;
            ready.release();
        }
    }

    /** Hands over what is left, and waits until every bucket holds the sum over all ranks. */
    void finish() {
        completeFrom(0);
        try {
            if (failure == null) {
                done.acquire(buckets.size());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new GyreException("interrupted in the exchange of gradients, step " + step, e);
        }
        Throwable found = failure;
        if (found instanceof GyreException known) {
            throw known;
        }
        if (found != null) {
            throw new GyreException("the exchange of gradients of step " + step + " has failed: " + found, found);
        }
    }

    /** How long the thread was combining in the last step, waits for other ranks included. */
    long busyNanos() {
        return busyNanos;
    }

    /** Ends the thread, in the middle of an exchange if there is one. A second call does nothing. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        boolean interrupted = false;
        try {
            thread.join(CLOSE_MILLIS);
            if (thread.isAlive()) {
                LOG.warn("{} has not ended within {} ms", thread.getName(), CLOSE_MILLIS);
            }
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
