package io.gyre.dl4j;

import java.util.List;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.api.layers.LayerConstraint;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;

/** Rejects, before anything starts, models that one exchange of gradients per step cannot train correctly. */
final class ModelChecks {

    private ModelChecks() {}

    static void check(Network network) {
        if (network.model().numParams() == 0) {
            throw new IllegalArgumentException("the model has no parameters to train");
        }
        int segmentLength = network.segmentLength();
        if (segmentLength < 1) {
            throw new IllegalArgumentException("the model is configured with tBPTTForwardLength(" + segmentLength
                    + "): a segment needs at least 1 step of time");
        }
        for (Layer layer : network.lastLayers()) {
            if (!(OutputScore.unwrapped(layer) instanceof IOutputLayer)) {
                throw new IllegalArgumentException(
                        "layer '" + layer.conf().getLayer().getLayerName() + "', a "
                                + layer.conf().getLayer().getClass().getSimpleName()
                                + ", is the model's last and no output layer: there is no loss to train for. Add an OutputLayer, LossLayer"
                                + " or the like. Layer-wise pretraining is not distributed: call pretrain on rank 0 before the trainer is"
                                + " made, which gives its parameters to all ranks");
            }
        }
        TrustRatioChecks.check(network.trainables());
        for (NeuralNetConfiguration configuration : network.configurations()) {
            if (configuration.getOptimizationAlgo() != OptimizationAlgorithm.STOCHASTIC_GRADIENT_DESCENT) {
                throw new IllegalArgumentException("the model's optimisation algorithm is "
                        + configuration.getOptimizationAlgo()
                        + "; only STOCHASTIC_GRADIENT_DESCENT, with any updater, computes one gradient per step");
            }
            if (!configuration.isMinimize()) {
                throw new IllegalArgumentException(
                        "the model is configured with minimize(false), which Deeplearning4j's own step ignores;"
                                + " negate the loss instead");
            }
        }
    }

    /**
     * Rejects what cannot be divided among ranks or micro-batches, although one rank alone trains it as {@code fit}
     * does.
     */
    static void checkDivisible(Network network) {
        String reason = NotDivisible.reason(network.configurationJson());
        if (reason != null) {
            throw new IllegalArgumentException("the model cannot be trained in parts: " + reason
                    + ". Train it on one rank, without micro-batches, or use another class");
        }
        long sums = network.lastLayers().stream().filter(OutputScore::isSum).count();
        if (sums != 0 && sums != network.lastLayers().size()) {
            throw new IllegalArgumentException(
                    "the model is configured with miniBatch(false), and only " + sums + " of its "
                            + network.lastLayers().size()
                            + " outputs have a score that is then a sum over the examples: the scores of"
                            + " parts of a batch cannot be put together. Use miniBatch(true), or outputs of one class");
        }
    }

    /** Rejects what an optimiser on a server cannot do: it has no layers, and a shard may end inside one. */
    static void checkForServers(Network network) {
        for (NeuralNetConfiguration configuration : network.configurations()) {
            if (!configuration.isMiniBatch()) {
                throw new IllegalArgumentException(
                        "the model is configured with miniBatch(false), so that gradients are not divided by the number of"
                                + " examples; the parameter server averages them. Use the strategy allreduce");
            }
            List<LayerConstraint> constraints = configuration.getLayer().getConstraints();
            if (constraints != null && !constraints.isEmpty()) {
                throw new IllegalArgumentException("layer '"
                        + configuration.getLayer().getLayerName()
                        + "' has constraints on its parameters, which need the whole layer; a server has perhaps a part of"
                        + " it. Use the strategy allreduce or elastic");
            }
        }
    }
}
