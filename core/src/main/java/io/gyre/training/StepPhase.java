package io.gyre.training;

/** The parts of a step, in their order. */
public enum StepPhase {
    /** Parameters are brought with which to compute. */
    BEFORE,
    /** Gradients are computed. If they are reduced meanwhile, {@link #REDUCE} is what is left to wait for. */
    BACKWARD,
    /** Gradients are reduced. Left out by a rank that takes its steps alone. */
    REDUCE,
    /** Ranks tell each other what they have, and compare it. */
    CHECK,
    /**
     * Reduced gradients become new parameters, or are made ready for a server. Left out, as what follows, without
     * examples.
     */
    APPLY,
    /** Parameters or gradients are exchanged. */
    AFTER,
    /** The step is counted, and listeners of the model hear of it. */
    END
}
