package io.gyre.dl4j;

import io.gyre.training.StepSummary;

/**
 * Receives the training's progress on every rank, for progress bars and logs about all ranks together. A {@link
 * io.gyre.training.StepObserver} receives one rank's phases and times instead, also in steps without examples; it is
 * called before the trainer has counted the step, is not interrupted when a rank is lost, and cannot end the training.
 *
 * <p>It must not change the model's parameters, of which ranks of a host may have one copy during {@code fit}; a {@code
 * TrainingListener} of the model may.
 */
@FunctionalInterface
public interface ProgressListener {

    /**
     * Called after the update, on the thread that trains.
     *
     * @param step number of steps so far, this one included
     * @param epoch of the step, from 0
     * @param summary examples and loss of all ranks
     */
    void stepDone(long step, int epoch, StepSummary summary);
}
