package io.gyre.dl4j;

import org.jspecify.annotations.Nullable;

/** What each rank holds for itself, on its way to a checkpoint and back. Only rank 0 has the file. */
interface RankParts {

    /** Finds out what all ranks have. The result is used up in this step. All processes call it together. */
    Gathering gather(long step);

    /**
     * Gives every rank its own, as far as the checkpoint has it. All processes call it together.
     *
     * @param file on rank 0, if there is one; null elsewhere
     */
    void restore(@Nullable CheckpointFile file, long step);
}
