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
 * LAMB, Adam with a learning rate for each weight array in proportion to the norm of the weights. You et al., "Large
 * batch optimization for deep learning: training BERT in 76 minutes", ICLR 2020, algorithm 2, with the identity as phi.
 * For each weight array w with gradient g, at a global rate eta, in update t from 1 on:
 *
 * <pre>{@code
 * m = beta1 * m + (1 - beta1) * g
 * v = beta2 * v + (1 - beta2) * g^2
 * r = (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 * u = r + lambda * w
 * w = w - eta * |w| / |u| * u                           w - eta * u if |w| or |u| is 0
 * }</pre>
 *
 * <p>It has two parts in a Deeplearning4j configuration, since an updater is given no parameters:
 *
 * <pre>{@code
 * new NeuralNetConfiguration.Builder()
 *         .updater(new Lamb(schedule))                               // r, for all parameters
 *         .regularization(Lamb.trustRatio(0.01))                     // lambda and |w| / |u|, for weights
 * }</pre>
 *
 * <p>Biases and batch normalisation have no trust ratio and no decay: they are updated as by Adam. ND4J's {@code Adam}
 * adds epsilon to the square root of v before the correction; this class adds it after, as the paper does.
 */
public final class Lamb extends RatedUpdater {

    private static final double BETA_1 = 0.9;
    private static final double BETA_2 = 0.999;
    private static final double EPSILON = 1e-6;

    @JsonProperty("beta1")
    private final double beta1;

    @JsonProperty("beta2")
    private final double beta2;

    @JsonProperty("epsilon")
    private final double epsilon;

    /** Has a constant rate, and the paper's 0.9, 0.999 and 10⁻⁶ as beta1, beta2 and epsilon. */
    public Lamb(double learningRate) {
        this(learningRate, null, BETA_1, BETA_2, EPSILON);
    }

    /** Has a rate that changes, such as {@link LinearScaling}, and the paper's other coefficients. */
    public Lamb(ISchedule learningRateSchedule) {
        this(learningRateSchedule, BETA_1, BETA_2, EPSILON);
    }

    /** Has a constant rate. */
    public Lamb(double learningRate, double beta1, double beta2, double epsilon) {
        this(learningRate, null, beta1, beta2, epsilon);
    }

    /** Has a rate that changes. */
    public Lamb(ISchedule learningRateSchedule, double beta1, double beta2, double epsilon) {
        this(Double.NaN, learningRateSchedule, beta1, beta2, epsilon);
    }

    @JsonCreator
    private Lamb(
            @JsonProperty("learningRate") double learningRate,
            @JsonProperty("learningRateSchedule") @Nullable ISchedule learningRateSchedule,
            @JsonProperty("beta1") double beta1,
            @JsonProperty("beta2") double beta2,
            @JsonProperty("epsilon") double epsilon) {
        super(learningRate, learningRateSchedule);
        Coefficient.kept("beta1", beta1);
        Coefficient.kept("beta2", beta2);
        Coefficient.positive("epsilon", epsilon);
        this.beta1 = beta1;
        this.beta2 = beta2;
        this.epsilon = epsilon;
    }

    /**
     * The other part of the configuration.
     *
     * @param weightDecay lambda; the paper has 0.01. In place of Deeplearning4j's {@code l2} and {@code weightDecay}
     * @return a new list, which Deeplearning4j's builders may change
     */
    public static List<Regularization> trustRatio(double weightDecay) {
        return new ArrayList<>(List.of(new LambTrustRatio(weightDecay)));
    }

    double beta1() {
        return beta1;
    }

    double beta2() {
        return beta2;
    }

    double epsilon() {
        return epsilon;
    }

    /** Two moments for each parameter: first all m, then all v. */
    @Override
    public long stateSize(long parameters) {
        return 2 * parameters;
    }

    @Override
    public GradientUpdater<Lamb> instantiate(INDArray state, boolean initialize) {
        LambUpdater updater = new LambUpdater(this);
        updater.setStateViewArray(state, new long[] {state.length() / 2}, state.ordering(), initialize);
        return updater;
    }

    @Override
    public GradientUpdater<Lamb> instantiate(Map<String, INDArray> state, boolean initialize) {
        LambUpdater updater = new LambUpdater(this);
        updater.setState(state, initialize);
        return updater;
    }

    @Override
    public Lamb clone() {
        return new Lamb(learningRate(), learningRateSchedule(), beta1, beta2, epsilon);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Lamb that
                && Double.compare(learningRate(), that.learningRate()) == 0
                && Objects.equals(learningRateSchedule(), that.learningRateSchedule())
                && beta1 == that.beta1
                && beta2 == that.beta2
                && epsilon == that.epsilon;
    }

    @Override
    public int hashCode() {
        return Objects.hash(learningRate(), learningRateSchedule(), beta1, beta2, epsilon);
    }

    @Override
    public String toString() {
        return "Lamb(rate " + (learningRateSchedule() == null ? learningRate() : learningRateSchedule()) + ", beta1 "
                + beta1 + ", beta2 " + beta2 + ", epsilon " + epsilon + ")";
    }
}
