package io.gyre.training;

import io.gyre.World;
import io.gyre.memory.MemoryBox;
import java.util.List;

/** Gradients are not reduced: this rank takes its steps alone. */
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
    public void start(TrainableModel model, int source) {
        // The rank keeps its own state.
    }

    @Override
    public void reduce(TrainableModel model, Bucket bucket, long step) {
        // The rank's own sums are the result.
    }

    @Override
    public StepSummary summarise(StepReport own, long step) {
        return StepSummary.alone(own);
    }
}
