package io.gyre.dl4j;

import java.util.function.DoubleSupplier;

/** Whose mean and variance the layers of batch normalisation use in a training pass. */
interface BatchStatistics {

    /** Those of the pass itself, as in Deeplearning4j. */
    BatchStatistics OWN = (hasExamples, step, pass) -> pass.getAsDouble();

    /**
     * Runs a pass of this rank.
     *
     * @param hasExamples false if the pass computes nothing
     * @param step for errors
     * @return the pass's result
     */
    double during(boolean hasExamples, long step, DoubleSupplier pass);
}
