package io.gyre.training;

/**
 * How gradients become new parameters, and parameters those of all ranks: one half of an {@link UpdateStrategy}. By
 * default the model's own updater makes them, and nothing is exchanged.
 *
 * <p>{@link StepDriver} says what is called when. All on one thread.
 */
public interface ParameterExchange {

    /** Why there is no common state that a checkpoint could hold; empty if there is. */
    default String checkpointObstacle() {
        return "";
    }

    /** Gives this rank the parameters of the root. All ranks call it together. */
    default void start(TrainableModel model) {}

    /**
     * Begins or continues training at this rank's step {@code step}.
     *
     * @return the step at which it really goes on: a later one on a restarted rank
     */
    default long resume(TrainableModel model, long step) {
        return step;
    }

    /** Brings the parameters with which to compute a step. */
    default void before(TrainableModel model, long step) {}

    /**
     * Does with the reduced gradients what is to be done on this rank.
     *
     * @param total what the ranks brought whose gradients were reduced; at least one example
     */
    default void apply(TrainableModel model, StepSummary total, long step) {
        model.update(total);
    }

    /** Exchanges what {@link #apply} has made: new parameters, or gradients. */
    default void after(TrainableModel model, StepSummary total, long step) {}

    /** Ends the steps of a call; afterwards all ranks have the same parameters. All ranks call it together. */
    default void finish(TrainableModel model) {}

    /** Most steps by which any gradient was late, as of the last {@link #finish}. */
    default long maxStaleness() {
        return 0;
    }
}
