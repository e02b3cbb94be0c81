package io.gyre.dl4j;

import io.gyre.training.GradientProgress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * The passes of a batch over its current segment. Each pass has a recurrent state of its own, which is in the model only
 * while the pass runs. Without truncated backpropagation a batch is one segment, and there is no state.
 */
final class SegmentPasses {

    private final Replica replica;
    private final int length;
    private final RecurrentState state;
    private int segment;

    /** By pass: the states with which the current segment begins. */
    private List<List<Map<String, INDArray>>> before;

    /** By pass: the states that it leaves. */
    private List<List<Map<String, INDArray>>> after;

    /**
     * Prepares them.
     *
     * @param most number of passes of a batch
     */
    SegmentPasses(Replica replica, int most) {
        this.replica = replica;
        length = replica.network().segmentLength();
        state = replica.network().recurrentState();
        before = new ArrayList<>(Collections.nCopies(most, List.of()));
        after = new ArrayList<>(before);
    }

    /**
     * Begins a segment.
     *
     * @param number of the segment in its batch; 0 begins a batch, and with it new sequences
     */
    void begin(int number) {
        segment = number;
        List<List<Map<String, INDArray>>> left = after;
        after = before;
        before = left;
        if (number == 0) {
            Collections.fill(before, List.of());
            Collections.fill(after, List.of());
        }
    }

    /**
     * Computes the sums of the gradients, as {@link Replica#backward} does. A pass that is run again begins in the same
     * state.
     *
     * @param pass its number
     * @param sequences of the pass, whole
     */
    double backward(int pass, MultiDataSet sequences, @Nullable GradientProgress progress) {
        if (length == Segments.NONE) {
            return replica.backward(sequences, progress);
        }
        state.set(before.get(pass));
        double loss = replica.backward(Segments.cut(sequences, segment, length), progress);
        after.set(pass, state.take());
        return loss;
    }
}
