package io.gyre.dl4j.learning;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.updaters.AdamUpdater;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.GradientUpdater;

/** Adam, with epsilon after the correction of the moments: {@code rate * r} is the update. */
final class LambUpdater implements GradientUpdater<Lamb> {

    private static final String FIRST_MOMENT = "M";
    private static final String SECOND_MOMENT = "V";

    private final Lamb config;
    private @Nullable INDArray first;
    private @Nullable INDArray second;

    LambUpdater(Lamb config) {
        this.config = config;
    }

    @Override
    public Lamb getConfig() {
        return config;
    }

    @Override
    public void setState(Map<String, INDArray> state, boolean initialize) {
        first = State.begin(state.get(FIRST_MOMENT), initialize, "Lamb");
        second = State.begin(state.get(SECOND_MOMENT), initialize, "Lamb");
    }

    @Override
    public Map<String, INDArray> getState() {
        return Map.of(FIRST_MOMENT, State.known(first, "Lamb"), SECOND_MOMENT, State.known(second, "Lamb"));
    }

    @Override
    public void setStateViewArray(INDArray state, long[] gradientShape, char gradientOrder, boolean initialize) {
        INDArray flat = state.reshape(state.length());
        long parameters = flat.length() / 2;
        first = State.begin(flat.get(NDArrayIndex.interval(0, parameters)), initialize, "Lamb");
        second = State.begin(flat.get(NDArrayIndex.interval(parameters, flat.length())), initialize, "Lamb");
    }

    /**
     * ND4J's operation computes {@code rate * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + epsilon)}: with {@code
     * sqrt(1 - beta2^t)} times the epsilon this is {@code rate * r}.
     */
    @Override
    public void applyUpdater(INDArray gradient, int iteration, int epoch) {
        double correction = Math.sqrt(1 - Math.pow(config.beta2(), iteration + 1.0));
        Nd4j.exec(new AdamUpdater(
                gradient,
                State.known(second, "Lamb").reshape(gradient.shape()),
                State.known(first, "Lamb").reshape(gradient.shape()),
                config.getLearningRate(iteration, epoch),
                config.beta1(),
                config.beta2(),
                config.epsilon() * correction,
                iteration));
    }
}
