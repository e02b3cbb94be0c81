package io.gyre.training;

/** The parts of a step, in their order. */
public enum StepPhase {
    /** Waits for the step's examples, which may have been loaded ahead. Not part of {@link StepDriver#step}. */
    LOAD,
    /** Fetches the parameters to compute with. */
    BEFORE,
    /** Computes gradients. If they are reduced meanwhile, {@link #REDUCE} is the remaining wait. */
    BACKWARD,
    /** Reduces gradients. Omitted by a rank that takes its steps alone. */
    REDUCE,
    /** Ranks share their reports, and compare them. */
    CHECK,
    /**
     * Turns reduced gradients into new parameters, or prepares them for a server. Omitted without examples, like the
     * phases that follow.
     */
    APPLY,
    /** Exchanges parameters or gradients. */
    AFTER,
    /** Counts the step, and notifies the model's listeners. */
    END;

    private static final StepPhase[] ALL = values();

    /** The phase with an ordinal, without a copy of the array. */
    static StepPhase of(int ordinal) {
        return ALL[ordinal];
    }
}
