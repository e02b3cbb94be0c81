package io.gyre.dl4j;

import io.gyre.Chunk;
import io.gyre.training.GradientProgress;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * Gradient accumulation: splits a rank's batch into several passes and sums their gradients. Activations need the
 * memory of one pass only, and the step is that of the whole batch.
 *
 * <p>Micro-batches are to a rank what ranks are to the world: split in the same way, with noise from the same seeds,
 * and summed in the same order as ranks that share memory. One rank with N micro-batches is bit-identical to N ranks.
 * With truncated backpropagation each micro-batch has a recurrent state of its own.
 */
final class MicroBatches {

    private final Replica replica;
    private final int count;
    private final int rank;
    private final long seed;
    private final BatchStatistics statistics;
    private final EarlierPasses earlier;
    private final SegmentPasses segment;

    /**
     * Creates them.
     *
     * @param count number of passes for each batch; fewer if a batch has fewer examples
     * @param earlier sum of the passes before the last; ranks that compute one after the other may share it
     * @param seed of dropout and other noise in the layers
     * @param statistics used by batch normalisation
     */
    MicroBatches(Replica replica, int count, EarlierPasses earlier, int rank, long seed, BatchStatistics statistics) {
        this(replica, count, earlier, rank, seed, statistics, new SegmentPasses(replica, count));
    }

    private MicroBatches(
            Replica replica,
            int count,
            EarlierPasses earlier,
            int rank,
            long seed,
            BatchStatistics statistics,
            SegmentPasses segment) {
        this.replica = replica;
        this.count = count;
        this.rank = rank;
        this.seed = seed;
        this.statistics = statistics;
        this.segment = segment;
        this.earlier = earlier;
    }

    /**
     * Begins a segment of a batch; {@link #backward} may run several times in it.
     *
     * @param number from 0; always that, unless the model cuts sequences
     */
    void beginSegment(int number) {
        segment.begin(number);
    }

    /**
     * Computes the sums of the gradients over a batch, as {@link Replica#backward} does.
     *
     * @param batch whole sequences, also if only a segment of them is computed; null for none
     * @param listener notified how much of them is complete, in the last pass; null for none
     * @return mean loss over the batch; 0 if there is none
     */
    double backward(@Nullable MultiDataSet batch, @Nullable GradientProgress listener, long step) {
        int examples = batch == null ? 0 : Rows.count(batch);
        int passes = Math.min(count, examples);
        int all = batch == null ? 0 : weight(batch);
        if (batch == null || passes <= 1 || all == 0) {
            return backward(0, batch, listener, step);
        }
        double loss = 0;
        for (int pass = 0; pass < passes - 1; pass++) {
            MultiDataSet rows = rowsOf(batch, Chunk.of(pass, count, examples));
            int weight = weight(rows);
            loss += weight * backward(pass, rows, null, step);
            add(weight, pass == 0);
        }
        MultiDataSet rows = rowsOf(batch, Chunk.of(passes - 1, count, examples));
        int weight = weight(rows);
        Completion completion = new Completion(weight, all, listener);
        loss += weight * backward(passes - 1, rows, listener == null ? null : completion, step);
        completion.completeFrom(0);
        return loss / all;
    }

    private int weight(MultiDataSet rows) {
        return replica.network().examplesIn(rows);
    }

    private double backward(int pass, @Nullable MultiDataSet rows, @Nullable GradientProgress listener, long step) {
        return SeededDraws.call(
                Seeds.derive(seed, (long) rank * count + pass, step),
                () -> statistics.during(
                        rows != null,
                        step,
                        () -> rows == null
                                ? replica.backward(null, listener)
                                : segment.backward(pass, rows, listener)));
    }

    /** These batches as if this rank were alone: a bad value of another rank is in the statistics of all. */
    MicroBatches alone() {
        return new MicroBatches(replica, count, earlier, rank, seed, BatchStatistics.OWN, segment);
    }

    private static MultiDataSet rowsOf(MultiDataSet batch, Chunk rows) {
        return Rows.slice(batch, rows.offset(), rows.offset() + rows.length());
    }

    private void add(long examples, boolean first) {
        replica.means().forEach(mean -> mean.array().muli(examples));
        if (first) {
            earlier.start(replica.gradientVector());
        } else {
            earlier.add(replica.gradientVector());
        }
    }

    /** Adds the earlier passes to the completed part of the last, before reporting it. */
    private final class Completion implements GradientProgress {

        private final long ownExamples;
        private final long allExamples;
        private final @Nullable GradientProgress listener;
        private long completeFrom = replica.gradientVector().length();

        Completion(long ownExamples, long allExamples, @Nullable GradientProgress listener) {
            this.ownExamples = ownExamples;
            this.allExamples = allExamples;
            this.listener = listener;
        }

        @Override
        public void completeFrom(long offset) {
            if (offset < completeFrom) {
                eachMean(offset, mean -> mean.muli(ownExamples));
                earlier.addTo(replica.gradientVector(), offset, completeFrom);
                eachMean(offset, mean -> mean.divi(allExamples));
                completeFrom = offset;
            }
            if (listener != null) {
                listener.completeFrom(offset);
            }
        }

        private void eachMean(long offset, Consumer<INDArray> action) {
            for (GradientViews.Mean mean : replica.means()) {
                if (mean.offset() >= offset && mean.offset() < completeFrom) {
                    action.accept(mean.array());
                }
            }
        }
    }
}
