package io.gyre.dl4j;

import io.gyre.memory.Region;
import java.util.Map;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.deeplearning4j.nn.layers.normalization.BatchNormalizationHelper;
import org.deeplearning4j.nn.params.BatchNormalizationParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * A layer of batch normalisation with the mean and variance of all ranks, forward and backward. During a pass it is the
 * layer's helper: the object to which Deeplearning4j leaves its computation, as it does to oneDNN and cuDNN.
 *
 * <p>With x the input, m and v its mean and variance over the M values of a channel on all ranks, y the output, dy the
 * gradient of the loss by y, and h = (x - m) / &radic;(v + &epsilon;):
 *
 * <pre>
 *   y  = &gamma; h + &beta;
 *   dx = &gamma; / &radic;(v + &epsilon;) * (dy - (&Sigma; dy + h &Sigma; dy h) / M)
 * </pre>
 *
 * with sums over all ranks. The gradients of &gamma; and &beta; are this rank's own sums, which are reduced with all
 * other gradients. Ioffe, Szegedy: <i>Batch Normalization</i>, ICML 2015.
 */
final class NormalisedLayer implements BatchNormalizationHelper {

    private static final HiddenField HELPER = HiddenField.of(BatchNormalization.class, "helper");
    private static final HiddenField HELPER_FAILURES = HiddenField.of(BatchNormalization.class, "helperCountFail");

    /** Adds up what the ranks have computed for one layer in one direction. */
    interface Exchange {

        /** Replaces the data of this rank with their sum over all ranks, in place. */
        void sum(NormalisedLayer layer, boolean forward, Region data);
    }

    private final String name;
    private final BatchNormalization layer;
    private final org.deeplearning4j.nn.conf.layers.BatchNormalization configuration;
    private final Exchange exchange;
    private final int channels;
    private final Moments moments;
    private final INDArray sums;
    private final Region sumsMemory;
    private final INDArray means;
    private final INDArray variances;
    private final INDArray inverse;
    private @Nullable Object ownHelper;
    private @Nullable Object ownFailures;

    /**
     * Prepares a layer; it is not changed yet.
     *
     * @param name for errors
     * @param ranks number of ranks
     * @param rank this one
     */
    NormalisedLayer(String name, BatchNormalization layer, int ranks, int rank, Exchange exchange) {
        this.name = name;
        this.layer = layer;
        this.exchange = exchange;
        configuration = (org.deeplearning4j.nn.conf.layers.BatchNormalization)
                layer.conf().getLayer();
        channels = Math.toIntExact(configuration.getNOut());
        moments = new Moments(ranks, rank, channels);
        sums = Nd4j.createUninitializedDetached(DataType.DOUBLE, 'c', 2, channels);
        sums.assign(0);
        sumsMemory = HostMemory.region("sums of gradients", sums);
        DataType type = layer.params().dataType();
        means = Nd4j.createUninitializedDetached(type, channels);
        variances = Nd4j.createUninitializedDetached(type, channels);
        inverse = Nd4j.createUninitializedDetached(type, channels);
    }

    /** Takes the place of the layer's own helper, if it has one. */
    void attach() {
        ownHelper = HELPER.get(layer);
        ownFailures = HELPER_FAILURES.get(layer);
        HELPER.set(layer, this);
        HELPER_FAILURES.set(layer, 0);
    }

    /** Gives the layer its own helper back. */
    void detach() {
        HELPER.set(layer, ownHelper);
        HELPER_FAILURES.set(layer, ownFailures);
    }

    /** Takes part in the forward exchange, without examples. */
    void forwardWithoutExamples() {
        moments.none();
        exchange.sum(this, true, moments.rows());
    }

    /** Takes part in the backward exchange, without examples. */
    void backwardWithoutExamples() {
        sums.assign(0);
        HostMemory.beginUse(sums);
        exchange.sum(this, false, sumsMemory);
    }

    @Override
    public @Nullable INDArray preOutput(
            INDArray x,
            boolean training,
            long[] shape,
            @Nullable INDArray gamma,
            @Nullable INDArray beta,
            INDArray runningMean,
            INDArray runningVariance,
            double decay,
            double epsilon,
            CNN2DFormat format,
            LayerWorkspaceMgr workspaces) {
        if (training) {
            return PassFailure.carry(() -> forward(x, epsilon, format, workspaces));
        }
        return ownHelper instanceof BatchNormalizationHelper own
                ? own.preOutput(
                        x, false, shape, gamma, beta, runningMean, runningVariance, decay, epsilon, format, workspaces)
                : null;
    }

    private INDArray forward(INDArray x, double epsilon, CNN2DFormat format, LayerWorkspaceMgr workspaces) {
        Channels by = Channels.of(x, format, channels);
        INDArray input = dense(x);
        INDArray output = workspaces.createUninitialized(
                ArrayType.ACTIVATIONS, input.dataType(), input.shape(), input.ordering());
        INDArray ownMeans = by.mean(input);
        by.subtract(input, ownMeans, output);
        moments.own(input.length() / channels, ownMeans, by.sumOfSquares(output));
        exchange.sum(this, true, moments.rows());
        moments.combine();
        means.assign(moments.means());
        variances.assign(moments.variances());
        inverse.assign(Transforms.sqrt(moments.variances().add(epsilon)).rdivi(1));

        // The distance from the rank's own mean becomes that from the mean of all ranks.
        INDArray shift = ownMeans.castTo(DataType.DOUBLE)
                .subi(moments.means())
                .castTo(means.dataType())
                .muli(inverse);
        if (configuration.isLockGammaBeta()) {
            lockedOutput(by, output, shift);
        } else {
            INDArray gamma = vector(BatchNormalizationParamInitializer.GAMMA);
            by.multiply(output, gamma.mul(inverse));
            by.add(output, shift.muli(gamma).addi(vector(BatchNormalizationParamInitializer.BETA)));
        }
        return output;
    }

    /** As Deeplearning4j: fixed values apply only if both differ from their defaults. */
    private void lockedOutput(Channels by, INDArray output, INDArray shift) {
        by.multiply(output, inverse);
        by.add(output, shift);
        if (configuration.getGamma() != 1 && configuration.getBeta() != 0) {
            output.muli(configuration.getGamma()).addi(configuration.getBeta());
        }
    }

    private INDArray vector(String parameter) {
        return layer.getParam(parameter).reshape(channels);
    }

    /** ND4J's broadcasts need strides in the order of the dimensions. */
    private static INDArray dense(INDArray array) {
        return Shape.strideDescendingCAscendingF(array) ? array : array.dup();
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(
            INDArray x,
            INDArray outputGradient,
            long[] shape,
            @Nullable INDArray gamma,
            @Nullable INDArray beta,
            INDArray gammaGradient,
            INDArray betaGradient,
            double epsilon,
            CNN2DFormat format,
            LayerWorkspaceMgr workspaces) {
        return PassFailure.carry(() -> backward(x, outputGradient, gammaGradient, betaGradient, format, workspaces));
    }

    private Pair<Gradient, INDArray> backward(
            INDArray x,
            INDArray outputGradient,
            INDArray gammaGradient,
            INDArray betaGradient,
            CNN2DFormat format,
            LayerWorkspaceMgr workspaces) {
        Channels by = Channels.of(x, format, channels);
        INDArray input = dense(x);
        INDArray gradient = workspaces.createUninitialized(
                ArrayType.ACTIVATION_GRAD, input.dataType(), input.shape(), input.ordering());
        by.subtract(input, means, gradient);
        by.multiply(gradient, inverse);
        betaGradient.assign(by.sum(outputGradient));
        gammaGradient.assign(by.sum(outputGradient.mul(gradient)));

        sums.getRow(0).assign(betaGradient);
        sums.getRow(1).assign(gammaGradient);
        HostMemory.beginUse(sums);
        exchange.sum(this, false, sumsMemory);
        HostMemory.endUse(sums);

        sums.divi(-moments.count());
        by.multiply(gradient, sums.getRow(1).castTo(means.dataType()));
        gradient.addi(outputGradient);
        by.add(gradient, sums.getRow(0).castTo(means.dataType()));
        by.multiply(
                gradient,
                configuration.isLockGammaBeta()
                        ? inverse.mul(configuration.getGamma())
                        : inverse.mul(vector(BatchNormalizationParamInitializer.GAMMA)));

        Gradient ofParameters = new DefaultGradient();
        ofParameters.setGradientFor(BatchNormalizationParamInitializer.GAMMA, gammaGradient);
        ofParameters.setGradientFor(BatchNormalizationParamInitializer.BETA, betaGradient);
        return Pair.of(ofParameters, gradient);
    }

    /** What Deeplearning4j updates the running mean with. */
    @Override
    public INDArray getMeanCache(DataType type) {
        return means.castTo(type);
    }

    /** What Deeplearning4j updates the running variance with. */
    @Override
    public INDArray getVarCache(DataType type) {
        return variances.castTo(type);
    }

    @Override
    public boolean checkSupported(double epsilon, boolean fixedGammaBeta) {
        return true;
    }

    @Override
    public boolean checkSupported() {
        return true;
    }

    @Override
    public Map<String, Long> helperMemoryUse() {
        return Map.of();
    }

    /** The layer, in words. */
    @Override
    public String toString() {
        return "layer '" + name + "'";
    }
}
