package io.gyre.dl4j;

import io.gyre.training.Bucket;
import io.gyre.training.StepObserver;
import io.gyre.training.StepPhase;

/** How long the exchange of a step takes, and how much of that the step waits. */
final class ExchangeTimer implements StepObserver {

    private long busyNanos;
    private long exposedNanos;
    private long bucketNanos;

    @Override
    public void phaseEnded(long step, StepPhase phase, long beginNanos, long endNanos) {
        long nanos = endNanos - beginNanos;
        switch (phase) {
            case BEFORE, AFTER -> {
                busyNanos += nanos;
                exposedNanos += nanos;
            }
            case REDUCE -> {
                busyNanos += bucketNanos;
                exposedNanos += nanos;
                bucketNanos = 0;
            }
            case BACKWARD, CHECK, APPLY, END -> {
                // No exchange of gradients or parameters.
            }
        }
    }

    /** On the thread that reduces, which the step awaits before its phase ends. */
    @Override
    public void bucketReduced(long step, Bucket bucket, long beginNanos, long endNanos) {
        bucketNanos += endNanos - beginNanos;
    }

    /** Begins a step. */
    void reset() {
        busyNanos = 0;
        exposedNanos = 0;
    }

    /** How long the exchange took, during the pass or not. */
    long busyNanos() {
        return busyNanos;
    }

    /** How long the step waited for it. */
    long exposedNanos() {
        return exposedNanos;
    }
}
