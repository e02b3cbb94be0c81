package io.gyre;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Synchronous data-parallel training: every step all ranks add up their gradients and apply the same update, so their
 * parameters stay bit-identical and equal those of one process with the whole batch, within rounding.
 *
 * <p>Gradients arrive as sums over examples and are divided by the number of all examples afterwards, by the model's own
 * updater: batches of unequal size, and ranks without data, need no correction.
 */
public final class Synchronous implements UpdateStrategy {

    /** Bucket number that marks frames which carry no gradients. */
    private static final int NO_BUCKET = -1;

    private static final int FIELDS = 5;

    private final Collective collective;
    private final Region summary = Region.allocate("step summary", (long) FIELDS * Double.BYTES);

    private @Nullable Region cut;
    private List<Region> parts = List.of();

    /**
     * Creates the strategy for one rank.
     *
     * @param collective borrowed; the same algorithm on all ranks
     */
    public Synchronous(Collective collective) {
        this.collective = collective;
    }

    @Override
    public String name() {
        return "allreduce";
    }

    @Override
    public boolean keepsReplicasIdentical() {
        return true;
    }

    @Override
    public MemoryBox allocateGradients(long byteLength) {
        return collective.allocate("gradients", byteLength);
    }

    @Override
    public void start(TrainableModel model) {
        for (Region part : model.state()) {
            collective.broadcast(part, 0, 0, NO_BUCKET);
        }
    }

    @Override
    public StepSummary summarise(StepSummary own, long step) {
        // Counts stay exact: a double holds whole numbers up to 2^53.
        summary.putDouble(0, (double) own.examples());
        summary.putDouble(8, own.weightedScore());
        summary.putDouble(16, own.ranksWithData());
        summary.putDouble(24, own.stop());
        summary.putDouble(32, own.failedScores());
        collective.allReduce(summary, ElementType.FLOAT64, ReduceOp.SUM, step, NO_BUCKET);
        return new StepSummary(
                (long) summary.getDouble(0),
                summary.getDouble(8),
                (int) summary.getDouble(16),
                (int) summary.getDouble(24),
                (int) summary.getDouble(32));
    }

    @Override
    public void combine(TrainableModel model, StepSummary total, long step) {
        for (Bucket bucket : model.bucketPlan().buckets()) {
            combine(model, bucket, step);
        }
    }

    @Override
    public boolean combinesBuckets() {
        return true;
    }

    @Override
    public void combine(TrainableModel model, Bucket bucket, long step) {
        collective.allReduce(part(model, bucket), model.elementType(), ReduceOp.SUM, step, bucket.index());
    }

    /** A bucket's memory: the same object in every step, as long as the gradients stay where they are. */
    @SuppressWarnings("ReferenceEquality") // Gradients that have moved are another region.
    private Region part(TrainableModel model, Bucket bucket) {
        Region gradients = model.gradients();
        if (gradients != cut) {
            int bytes = model.elementType().bytes();
            parts = model.bucketPlan().buckets().stream()
                    .map(each -> gradients.slice(each.offset() * bytes, each.length() * bytes))
                    .toList();
            cut = gradients;
        }
        return parts.get(bucket.index());
    }
}
