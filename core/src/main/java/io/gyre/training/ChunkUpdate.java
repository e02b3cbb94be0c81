package io.gyre.training;

import io.gyre.Chunk;
import io.gyre.World;
import io.gyre.network.Collective;

/**
 * Several ranks divide the model's updater among them: each computes its chunk of the update, gets the chunks of the
 * others, and applies them all to its own parameters. The updater's state is not exchanged: it is that of a chunk, or
 * lies where all these ranks share it. If they {@linkplain TrainableModel#sharesParameters share the parameters} too,
 * each updates its chunk of them in place, and they only meet.
 *
 * <p>Nobody computes before the reports of the step are exchanged, nor goes on before the update is whole: what these
 * ranks share is at rest from the end of a step's update to the beginning of the next.
 *
 * <p>After Rajbhandari, Rasley, Ruwase and He, <i>ZeRO: Memory Optimizations Toward Training Trillion Parameter
 * Models</i>, SC 2020: its first stage.
 */
final class ChunkUpdate implements ParameterExchange {

    private static final int NO_BUCKET = -1;

    private final Collective collective;
    private final Runnable meeting = this::meet;
    private Chunk own = new Chunk(0, 0);
    private long meetingStep;

    /**
     * Creates the exchange of one rank.
     *
     * @param collective of the ranks that divide the update; borrowed
     */
    ChunkUpdate(Collective collective) {
        this.collective = collective;
    }

    @Override
    public void start(TrainableModel model) {
        World world = collective.world();
        long elements = model.gradients().byteLength() / model.elementType().bytes();
        own = Chunk.of(world.rank(), world.size(), elements);
    }

    @Override
    public void apply(TrainableModel model, StepSummary total, long step) {
        if (model.sharesParameters()) {
            meetingStep = step;
            model.updateShared(total, own, meeting);
            return;
        }
        model.computeUpdate(total, own);
        collective.allGather(model.gradients(), model.elementType(), step, NO_BUCKET);
        model.applyUpdate();
    }

    private void meet() {
        collective.barrier(meetingStep);
    }
}
