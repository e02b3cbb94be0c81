package io.gyre.dl4j;

import io.gyre.training.GradientProgress;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** What one rank computes in the steps of a batch: its rows, and the passes over their segments. */
final class SeatPart {

    private final MicroBatches batches;
    private @Nullable MultiDataSet rows;
    private int examples;
    private int segments;
    private int segment;

    /**
     * Creates the part of one rank.
     *
     * @param batches compute its gradients
     */
    SeatPart(MicroBatches batches) {
        this.batches = batches;
    }

    /**
     * Begins a batch.
     *
     * @param ofShare null for none
     * @param examplesOfShare number of its examples
     * @param segmentsOfShare number of its segments
     */
    void with(@Nullable MultiDataSet ofShare, int examplesOfShare, int segmentsOfShare) {
        rows = ofShare;
        examples = examplesOfShare;
        segments = segmentsOfShare;
    }

    /** Begins a step, that of a segment. */
    void begin(int number) {
        segment = number;
        batches.beginSegment(number);
    }

    /** Examples in this step: none once the sequences are over. */
    long examples() {
        return segment < segments ? examples : 0;
    }

    /** Whether the batch takes more steps. */
    boolean isUnfinished() {
        return segment + 1 < segments;
    }

    /** As {@link MicroBatches#backward}. */
    double backward(@Nullable GradientProgress progress, long step) {
        return backward(batches, progress, step);
    }

    /** The same gradients again, as if this rank were alone: see {@link MicroBatches#alone}. */
    void backwardAlone(long step) {
        backward(batches.alone(), null, step);
    }

    private double backward(MicroBatches passes, @Nullable GradientProgress progress, long step) {
        return passes.backward(segment < segments ? rows : null, progress, step);
    }
}
