package io.gyre.dl4j.learning;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * LARS, layer-wise adaptive rate scaling: momentum, with a learning rate for each weight array in proportion to the
 * norm of the weights. You, Gitman, Ginsburg, "Large batch training of convolutional networks", 2017, algorithm 1. For
 * each weight array w with gradient g, at a global rate gamma:
 *
 * <pre>{@code
 * lambda = eta * |w| / (|g| + beta * |w|)              1 if |w| or |g| is 0
 * v      = m * v + gamma * lambda * (g + beta * w)
 * w      = w - v
 * }</pre>
 *
 * <p>It has two parts in a Deeplearning4j configuration, since an updater is given no parameters:
 *
 * <pre>{@code
 * new NeuralNetConfiguration.Builder()
 *         .updater(new Lars(schedule, 0.9))                          // v, for all parameters
 *         .regularization(Lars.trustRatio(0.001, 0.0005))            // lambda and beta, for weights
 * }</pre>
 *
 * <p>Biases and batch normalisation have {@code lambda = 1} and {@code beta = 0}: gamma itself is their rate, unless
 * Deeplearning4j's {@code biasUpdater} gives biases another. The learning rate multiplies what enters v, as in the
 * paper: v keeps the rates of earlier steps when the rate changes.
 */
public final class Lars extends RatedUpdater {

    @JsonProperty("momentum")
    private final double momentum;

    /** Has a constant rate. */
    public Lars(double learningRate, double momentum) {
        this(learningRate, null, momentum);
    }

    /** Has a rate that changes, such as {@link LinearScaling}. */
    public Lars(ISchedule learningRateSchedule, double momentum) {
        this(Double.NaN, learningRateSchedule, momentum);
    }

    @JsonCreator
    private Lars(
            @JsonProperty("learningRate") double learningRate,
            @JsonProperty("learningRateSchedule") @Nullable ISchedule learningRateSchedule,
            @JsonProperty("momentum") double momentum) {
        super(learningRate, learningRateSchedule);
        Coefficient.kept("momentum", momentum);
        this.momentum = momentum;
    }

    /**
     * The other part of the configuration.
     *
     * @param coefficient eta; the paper has 0.001
     * @param weightDecay beta; the paper has 0.0005. In place of Deeplearning4j's {@code l2}
     * @return a new list, which Deeplearning4j's builders may change
     */
    public static List<Regularization> trustRatio(double coefficient, double weightDecay) {
        return new ArrayList<>(List.of(new LarsTrustRatio(coefficient, weightDecay)));
    }

    double momentum() {
        return momentum;
    }

    /** One velocity for each parameter. */
    @Override
    public long stateSize(long parameters) {
        return parameters;
    }

    @Override
    public GradientUpdater<Lars> instantiate(INDArray state, boolean initialize) {
        LarsUpdater updater = new LarsUpdater(this);
        updater.setStateViewArray(state, state.shape(), state.ordering(), initialize);
        return updater;
    }

    @Override
    public GradientUpdater<Lars> instantiate(Map<String, INDArray> state, boolean initialize) {
        LarsUpdater updater = new LarsUpdater(this);
        updater.setState(state, initialize);
        return updater;
    }

    @Override
    public Lars clone() {
        return new Lars(learningRate(), learningRateSchedule(), momentum);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Lars that
                && Double.compare(learningRate(), that.learningRate()) == 0
                && Objects.equals(learningRateSchedule(), that.learningRateSchedule())
                && momentum == that.momentum;
    }

    @Override
    public int hashCode() {
        return Objects.hash(learningRate(), learningRateSchedule(), momentum);
    }

    @Override
    public String toString() {
        return "Lars(rate " + (learningRateSchedule() == null ? learningRate() : learningRateSchedule()) + ", momentum "
                + momentum + ")";
    }
}
