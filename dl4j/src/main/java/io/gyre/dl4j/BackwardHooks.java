package io.gyre.dl4j;

import io.gyre.training.GradientProgress;

/**
 * Reports, while a backward pass runs, how much of the gradient vector is complete. The pass completes it from its end,
 * layer by layer; Deeplearning4j itself reports nothing before the whole pass is done.
 *
 * <p>Hooks are installed only during a pass: outside it the model has its own layers and vertices.
 */
interface BackwardHooks {

    /** Installs the hooks. */
    void attach(GradientProgress progress);

    /** Restores the model's own layers; does nothing if they are in place. */
    void detach();
}
