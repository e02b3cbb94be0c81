package io.gyre.spark;

import java.io.Serializable;

/**
 * Where a training is, as rank 0 sees it.
 *
 * @param step number of steps so far; 0 before the first
 * @param epoch of the step, from 0
 * @param loss of the step: mean over all ranks' examples
 */
record StepProgress(long step, int epoch, double loss) implements Serializable {

    static final StepProgress NONE = new StepProgress(0, 0, Double.NaN);
}
