package io.gyre.training;

import io.gyre.World;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import java.util.List;

/**
 * Gradients are reduced over all ranks up to some step, and in the local steps after it over this rank's group only, or
 * not at all. All ranks share their reports in every step.
 */
final class LocalReduction implements GradientReduction {

    private final AllReduction all;
    private final GradientReduction group;
    private final LocalSettings settings;

    /**
     * Creates the reduction for one rank.
     *
     * @param all over all ranks
     * @param group over the ranks whose replicas stay equal
     */
    LocalReduction(AllReduction all, GradientReduction group, LocalSettings settings) {
        this.all = all;
        this.group = group;
        this.settings = settings;
    }

    @Override
    public List<Integer> ranks(World world) {
        return all.ranks(world);
    }

    @Override
    public boolean isLocal(long step) {
        return settings.isLocal(step);
    }

    @Override
    public List<Integer> equalRanks(World world) {
        return group.ranks(world);
    }

    @Override
    public MemoryBox allocate(long byteLength) {
        return (isLocal(0) ? group : all).allocate(byteLength);
    }

    @Override
    public void start(TrainableModel model, int source) {
        all.start(model, source);
    }

    @Override
    public void give(List<Region> memory, int source) {
        all.give(memory, source);
    }

    @Override
    public void reduce(TrainableModel model, Bucket bucket, long step) {
        (isLocal(step) ? group : all).reduce(model, bucket, step);
    }

    @Override
    public StepSummary summarise(StepReport own, long step) {
        return all.summarise(own, step);
    }
}
