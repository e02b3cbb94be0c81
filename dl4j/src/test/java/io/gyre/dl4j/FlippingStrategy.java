package io.gyre.dl4j;

import io.gyre.World;
import io.gyre.memory.MemoryBox;
import io.gyre.network.Collective;
import io.gyre.training.Bucket;
import io.gyre.training.GradientReduction;
import io.gyre.training.ParameterExchange;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import io.gyre.training.Synchronous;
import io.gyre.training.TrainableModel;
import io.gyre.training.UpdateStrategy;
import java.util.List;
import java.util.concurrent.Semaphore;

/** Synchronous training that changes a bit of the gradients' sums. */
final class FlippingStrategy implements UpdateStrategy, GradientReduction {
    private final Synchronous synchronous;
    private final GradientReduction reduction;
    private final BitFlip flip;
    private final Semaphore passes;
    private TrainableModel model;

    /** Takes a permit for each completed pass of this rank. */
    FlippingStrategy(Collective collective, BitFlip flip, Semaphore passes) {
        synchronous = new Synchronous(collective);
        reduction = synchronous.reduction();
        this.flip = flip;
        this.passes = passes;
    }

    @Override
    public String name() {
        return synchronous.name();
    }

    @Override
    public GradientReduction reduction() {
        return this;
    }

    @Override
    public ParameterExchange exchange() {
        return synchronous.exchange();
    }

    @Override
    public List<Integer> ranks(World world) {
        return reduction.ranks(world);
    }

    @Override
    public MemoryBox allocate(long byteLength) {
        return reduction.allocate(byteLength);
    }

    @Override
    public void start(TrainableModel trained, int source) {
        model = trained;
        reduction.start(trained, source);
        if (flip.where() == BitFlip.Where.START && flip.step() == 0) {
            flip.apply(trained.parameters());
        }
    }

    @Override
    public void reduce(TrainableModel trained, Bucket bucket, long step) {
        if (flip.where() == BitFlip.Where.GRADIENTS && step == flip.step() && bucket.index() == 0) {
            // The first bucket is the end of the vector: the others wait until it has been reduced.
            passes.acquireUninterruptibly(flip.step() + 1);
            flip.apply(trained.gradients().slice(0, bucket.offset() * Float.BYTES));
        }
        reduction.reduce(trained, bucket, step);
        if ((flip.where() == BitFlip.Where.SUMS || flip.where() == BitFlip.Where.NAN_IN_SUMS)
                && step == flip.step()
                && bucket.index() == trained.bucketPlan().buckets().size() - 1) {
            flip.apply(trained.gradients());
        }
    }

    @Override
    public StepSummary summarise(StepReport own, long step) {
        StepSummary total = reduction.summarise(own, step);
        if (flip.where() == BitFlip.Where.SUMS_AFTER_REPORT && step == flip.step()) {
            flip.apply(model.gradients());
        }
        return total;
    }
}
