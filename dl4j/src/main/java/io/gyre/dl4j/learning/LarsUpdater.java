package io.gyre.dl4j.learning;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.GradientUpdater;

/** Momentum: {@code v = m v + rate g}, and v is the update. */
final class LarsUpdater implements GradientUpdater<Lars> {

    private static final String VELOCITY = "V";

    private final Lars config;
    private @Nullable INDArray velocity;

    LarsUpdater(Lars config) {
        this.config = config;
    }

    @Override
    public Lars getConfig() {
        return config;
    }

    @Override
    public void setState(Map<String, INDArray> state, boolean initialize) {
        velocity = State.begin(state.get(VELOCITY), initialize, "Lars");
    }

    @Override
    public Map<String, INDArray> getState() {
        return Map.of(VELOCITY, velocity());
    }

    @Override
    public void setStateViewArray(INDArray state, long[] gradientShape, char gradientOrder, boolean initialize) {
        velocity = State.begin(state, initialize, "Lars");
    }

    @Override
    public void applyUpdater(INDArray gradient, int iteration, int epoch) {
        INDArray v = velocity().reshape(gradient.shape());
        gradient.muli(config.getLearningRate(iteration, epoch));
        v.muli(config.momentum()).addi(gradient);
        gradient.assign(v);
    }

    private INDArray velocity() {
        return State.known(velocity, "Lars");
    }
}
