package io.gyre.dl4j;

import io.gyre.training.Bucket;
import io.gyre.training.StepObserver;
import io.gyre.training.StepPhase;

/** Measures how long the exchange of a step takes, and how long the step waits for it. */
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
            case LOAD, BACKWARD, CHECK, APPLY, END -> {
                // Not an exchange of gradients or parameters.
            }
        }
    }

    /** Called on the reducing thread, for which the step waits before its phase ends. */
    @Override
    public void bucketReduced(long step, Bucket bucket, long beginNanos, long endNanos) {
        bucketNanos += endNanos - beginNanos;
    }

    /** Begins a step. */
    void reset() {
        busyNanos = 0;
        exposedNanos = 0;
    }

    /** Duration of the exchange, during the pass or after it, in nanoseconds. */
    long busyNanos() {
        return busyNanos;
    }

    /** How long the step waited for it, in nanoseconds. */
    long exposedNanos() {
        return exposedNanos;
    }
}
