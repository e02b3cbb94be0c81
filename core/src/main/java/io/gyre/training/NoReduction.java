package io.gyre.training;

import io.gyre.World;
import io.gyre.memory.MemoryBox;
import java.util.List;

/** Gradients stay this rank's own: it takes its steps alone. */
final class NoReduction implements GradientReduction {

    @Override
    public List<Integer> ranks(World world) {
        return List.of(world.rank());
    }

    @Override
    public MemoryBox allocate(long byteLength) {
        return MemoryBox.ofOneRank("gradients", byteLength);
    }

    @Override
    public void start(TrainableModel model) {
        // It has its own state.
    }

    @Override
    public void reduce(TrainableModel model, Bucket bucket, long step) {
        // Its sums are all there are.
    }

    @Override
    public StepSummary summarise(StepReport own, long step) {
        return StepSummary.alone(own);
    }
}
