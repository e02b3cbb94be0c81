package io.gyre.dl4j;

import io.gyre.training.StepSummary;

/** Hears of every step of the training, on every rank: for progress bars and logs that speak of all ranks together. */
@FunctionalInterface
public interface StepListener {

    /**
     * Called after the update, on the thread that trains.
     *
     * @param step number of steps so far, this one included
     * @param epoch the pass over the data that it belongs to, from 0
     * @param summary examples and loss of all ranks
     */
    void stepDone(long step, int epoch, StepSummary summary);
}
