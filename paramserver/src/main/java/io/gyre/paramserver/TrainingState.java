package io.gyre.paramserver;

import io.gyre.World;
import io.gyre.memory.Region;
import io.gyre.training.ServerState;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Parameters in training on servers, with their optimiser's slots, as a worker saves and restores them. */
final class TrainingState implements ServerState {

    private static final Logger LOG = LoggerFactory.getLogger(TrainingState.class);

    private final ParameterClient client;
    private final World workers;
    private final ShardedBuffer buffer;
    private final int slots;

    /**
     * Creates the view of one worker.
     *
     * @param workers those that push
     * @param buffer of the client
     * @param slots of the optimiser
     */
    TrainingState(ParameterClient client, World workers, ShardedBuffer buffer, int slots) {
        this.workers = workers;
        this.client = client;
        this.buffer = buffer;
        this.slots = slots;
    }

    @Override
    public void pause() {
        client.pause();
    }

    @Override
    public int lead() {
        return workers.rank();
    }

    @Override
    public int leads() {
        return workers.size();
    }

    @Override
    public int vectors() {
        return 1 + slots;
    }

    /** Asks the servers also for what is mapped: only they know the number of updates. */
    @Override
    public long read(int vector, Region into) {
        buffer.checkLength(into);
        List<Reply.Content> replies =
                buffer.askAll(shard -> vector == 0 ? shard.read(into) : shard.readSlot(vector - 1, into));
        return replies.stream().mapToLong(Reply.Content::version).max().orElse(0);
    }

    @Override
    public void write(int vector, Region from) {
        if (vector == 0) {
            buffer.write(from);
        } else {
            buffer.checkLength(from);
            buffer.askAll(shard -> shard.writeSlot(vector - 1, from));
        }
    }

    @Override
    public void countFrom(long updates) {
        String codec = client.residualOf();
        if (codec != null) {
            LOG.warn(
                    "The residuals of {} begin at zero: a checkpoint with servers holds none. What workers had not sent"
                            + " yet is lost",
                    codec);
        }
        buffer.askAll(shard -> shard.countFrom(updates));
    }
}
