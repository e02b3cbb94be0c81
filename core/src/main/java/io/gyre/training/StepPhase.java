package io.gyre.training;

/** The parts of a step, in their order. */
public enum StepPhase {
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
    END
}
