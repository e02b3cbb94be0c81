package io.gyre.dl4j;

import io.gyre.training.StepSummary;

/** Is told of every training step, on every rank: for progress bars and logs about all ranks together. */
@FunctionalInterface
public interface StepListener {

    /**
     * Called after the update, on the thread that trains.
     *
     * @param step number of steps so far, this one included
     * @param epoch of the step, from 0
     * @param summary examples and loss of all ranks
     */
    void stepDone(long step, int epoch, StepSummary summary);
}
