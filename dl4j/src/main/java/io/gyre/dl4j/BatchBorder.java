package io.gyre.dl4j;

import io.gyre.memory.Region;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A replica's state at the beginning of a batch that takes several steps: where a generation of a run with seats goes
 * back to if it ends in the middle, since the recurrent state of a lost process's ranks is lost with it. All processes
 * go back to the border of their own batch, which is the same for all, or the next: they are at most a step apart.
 *
 * <p>Memory as for the replica's state; it is copied once for each batch. Confined to the thread that trains.
 */
final class BatchBorder implements AutoCloseable {

    private final Replica replica;
    private final List<Region> copies = new ArrayList<>();
    private @Nullable Progress border;
    private double score;

    BatchBorder(Replica replica) {
        this.replica = replica;
    }

    /** A batch begins. */
    void keep(Progress progress, double scoreBefore) {
        List<Region> state = replica.state();
        for (int i = 0; i < state.size(); i++) {
            Region part = state.get(i);
            if (i == copies.size()) {
                copies.add(Region.allocate(part.name() + " before a batch", part.byteLength()));
            }
            copies.get(i).copyFrom(0, part, 0, part.byteLength());
        }
        border = progress;
        score = scoreBefore;
    }

    /** All steps of the batch are done. */
    void passed() {
        border = null;
    }

    /** Whether a batch has begun and is not done. */
    boolean isInBatch() {
        return border != null;
    }

    double score() {
        return score;
    }

    /**
     * Goes back to the beginning of the batch that is not done.
     *
     * @return where that is
     */
    Progress goBack() {
        Progress begin = border;
        if (begin == null) {
            throw new IllegalStateException("no batch is under way");
        }
        List<Region> state = replica.state();
        for (int i = 0; i < state.size(); i++) {
            state.get(i).copyFrom(0, copies.get(i), 0, state.get(i).byteLength());
        }
        replica.network().setProgress(begin.step(), begin.epoch());
        replica.stateChanged();
        border = null;
        return begin;
    }

    @Override
    public void close() {
        copies.forEach(Region::close);
    }
}
