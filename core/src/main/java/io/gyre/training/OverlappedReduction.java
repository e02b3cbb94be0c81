package io.gyre.training;

import io.gyre.GyreException;
import io.gyre.session.ThreadEnd;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Reduces gradients during the backward pass: a thread of its own reduces the complete buckets in the order of the
 * plan, and after the pass the caller waits for the last one.
 *
 * <dl>
 *   <dt>Threads
 *   <dd>One daemon thread, until {@link #close}. If gradients are on a device, the thread of the pass starts their
 *       copies to the host, and the daemon thread waits for the copies and sends the sums back. It alone uses the
 *       reduction between {@link #begin} and the end of {@link #finish}.
 *   <dt>Order
 *   <dd>Every rank reduces every bucket in every step, even without examples, and even if its pass reports no progress:
 *       only the time differs.
 *   <dt>Failure
 *   <dd>A failure of the reduction is thrown by {@link #finish}, and by later steps.
 * </dl>
 *
 * <p>After Li et al., <i>PyTorch Distributed</i>, VLDB 2020, section 3.2.
 */
final class OverlappedReduction implements GradientProgress, AutoCloseable {

    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);

    private final BucketReducer reducer;
    private final ParameterExchange exchange;
    private final StepModel model;
    private final List<Bucket> buckets;
    private final Semaphore ready = new Semaphore(0);
    private final Semaphore done = new Semaphore(0);
    private final Thread thread;
    private int handedOver;

    /** Whether the exchange comes first. Handed over with {@link #ready}. */
    private boolean exchanges;

    private long ownExamples;
    private volatile long step;
    private volatile boolean closed;
    private volatile @Nullable Throwable failure;

    OverlappedReduction(BucketReducer reducer, ParameterExchange exchange, StepModel model, int rank) {
        this.reducer = reducer;
        this.exchange = exchange;
        this.model = model;
        buckets = model.bucketPlan().buckets();
        thread = new Thread(this::run, threadName(rank));
        thread.setDaemon(true);
        thread.start();
    }

    /** Name of the thread of a rank. */
    static String threadName(int rank) {
        return "gyre-exchange-" + rank;
    }

    private void run() {
        try (HostAccess access = model.hostAccessOfAnotherThread()) {
            reduceAll(access);
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    private void reduceAll(HostAccess access) {
        int next = 0;
        while (!closed) {
            try {
                ready.acquire();
                if (exchanges) {
                    exchanges = false;
                    exchange.during(model, step);
                } else {
                    reducer.reduce(buckets.get(next), access, step);
                    next = (next + 1) % buckets.size();
                }
                done.release();
            } catch (InterruptedException e) {
                fail(new GyreException("the exchange of gradients was interrupted", e));
            } catch (RuntimeException | Error e) {
                fail(e);
            }
        }
        // What follows is short, and must not be interrupted.
        boolean unused = Thread.interrupted();
    }

    private void fail(Throwable found) {
        failure = found;
        closed = true;
        done.release(1 + buckets.size());
    }

    /** Starts what {@link ParameterExchange#during} has to do in a step. */
    void beginExchange(long ofStep) {
        step = ofStep;
        exchanges = true;
        ready.release();
    }

    /** Waits for it. */
    void finishExchange() {
        await(1);
    }

    /**
     * Starts this rank's part of a step.
     *
     * @param examples number of this rank's examples
     * @return takes the progress reports of the pass
     */
    GradientProgress begin(long examples, long ofStep) {
        step = ofStep;
        handedOver = 0;
        ownExamples = examples;
        return this;
    }

    @Override
    public void completeFrom(long offset) {
        while (handedOver < buckets.size() && buckets.get(handedOver).offset() >= offset) {
            model.complete(buckets.get(handedOver), ownExamples);
            model.beginReduction(buckets.get(handedOver));
            handedOver++;
            ready.release();
        }
    }

    /** Hands over the remaining buckets, and waits until every bucket holds the sum over all ranks. */
    void finish() {
        completeFrom(0);
        await(buckets.size());
    }

    private void await(int count) {
        try {
            if (failure == null) {
                done.acquire(count);
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

    /** Ends the thread, even in the middle of a reduction. A second call does nothing. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        ThreadEnd.await(List.of(thread), CLOSE_TIMEOUT);
    }
}
