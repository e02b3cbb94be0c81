package io.gyre.spark;

import org.apache.spark.util.AccumulatorV2;

/** Carries rank 0's progress to the driver: with the executors' heartbeats, and when the task ends. Keeps the latest. */
final class ProgressAccumulator extends AccumulatorV2<StepProgress, StepProgress> {

    private static final long serialVersionUID = 1;

    /** Written by the thread that trains, read by the one that sends heartbeats. */
    private volatile StepProgress latest = StepProgress.NONE;

    @Override
    public boolean isZero() {
        return latest.step() == 0;
    }

    @Override
    public ProgressAccumulator copy() {
        ProgressAccumulator copy = new ProgressAccumulator();
        copy.latest = latest;
        return copy;
    }

    @Override
    public void reset() {
        latest = StepProgress.NONE;
    }

    @Override
    public void add(StepProgress progress) {
        latest = progress;
    }

    @Override
    public void merge(AccumulatorV2<StepProgress, StepProgress> other) {
        if (other.value().step() > latest.step()) {
            latest = other.value();
        }
    }

    @Override
    public StepProgress value() {
        return latest;
    }
}
