package io.gyre.dl4j.learning;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** An updater's state: memory of whoever has created the updater. */
final class State {

    private State() {}

    /**
     * Takes an array as state.
     *
     * @param initialize whether to clear it
     */
    static INDArray begin(@Nullable INDArray array, boolean initialize, String updater) {
        INDArray state = known(array, updater);
        if (initialize) {
            state.assign(0);
        }
        return state;
    }

    /** Fails if an updater is used before it has a state. */
    static INDArray known(@Nullable INDArray array, String updater) {
        if (array == null) {
            throw new IllegalStateException(updater + " has no state: give it one by setState or setStateViewArray");
        }
        return array;
    }
}
