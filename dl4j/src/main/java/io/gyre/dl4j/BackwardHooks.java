package io.gyre.dl4j;

import io.gyre.training.GradientProgress;

/**
 * Tells while a backward pass runs how much of the gradient vector is complete. The pass completes it from its end,
 * layer by layer; Deeplearning4j itself says nothing before all of it is done.
 *
 * <p>Hooks are in the model during a pass only: outside it the model's layers and vertices are its own.
 */
interface BackwardHooks {

    /** Puts the hooks in place. */
    void attach(GradientProgress progress);

    /** Gives the model its own layers back; does nothing if they are there. */
    void detach();
}
