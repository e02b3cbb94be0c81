package io.gyre.training;

import org.jspecify.annotations.Nullable;

/**
 * How gradients become new parameters, and how these are shared among ranks: one half of an {@link UpdateStrategy}. By
 * default the model's own updater computes them, and nothing is exchanged.
 *
 * <p>{@link StepDriver} documents the order of the calls, all on one thread.
 */
public interface ParameterExchange {

    /** The {@link #checkpointObstacle} of exchanges whose ranks are not in lockstep, and whose servers save nothing. */
    String OUT_OF_STEP = "ranks that do not train in step, and servers that save nothing, have no common state to save";

    /** Why there is no common state for a checkpoint; empty if there is. */
    default String checkpointObstacle() {
        return "";
    }

    /** What servers hold of the training; null if it is all in the replicas, or cannot be saved. */
    default @Nullable ServerState serverState() {
        return null;
    }

    /** What ranks hold whose replicas differ; null if they do not, or if servers hold it. */
    default @Nullable LocalState localState() {
        return null;
    }

    /** Gives this rank the parameters of the root. All ranks call it together. */
    default void start(TrainableModel model) {}

    /**
     * Begins or continues training at this rank's step {@code step}.
     *
     * @return the step at which it actually continues: a later one for a restarted worker
     */
    default long resume(TrainableModel model, long step) {
        return step;
    }

    /** Fetches the parameters for computing a step. */
    default void before(TrainableModel model, long step) {}

    /** Whether {@link #during} has something to do. */
    default boolean exchangesDuringPass() {
        return false;
    }

    /**
     * Goes on with what {@link #after} has begun, before this rank computes the step; or while it does, on the thread
     * that reduces gradients, if they are reduced during the pass. Leaves parameters and gradients alone.
     */
    default void during(TrainableModel model, long step) {}

    /**
     * Applies the reduced gradients on this rank, or prepares them for a server.
     *
     * @param total the reports of the ranks whose gradients were reduced; at least one example
     */
    default void apply(TrainableModel model, StepSummary total, long step) {
        model.update(total);
    }

    /** Exchanges the result of {@link #apply}: new parameters, or gradients. */
    default void after(TrainableModel model, StepSummary total, long step) {}

    /** Ends a sequence of steps; afterwards all ranks have the same parameters. All ranks call it together. */
    default void finish(TrainableModel model) {}

    /** Staleness of the gradient that the last {@link #after} has pushed, in steps; negative if it has pushed none. */
    default long lastStaleness() {
        return -1;
    }

    /** Greatest staleness of any gradient in steps, as of the last {@link #finish}. */
    default long maxStaleness() {
        return 0;
    }
}
