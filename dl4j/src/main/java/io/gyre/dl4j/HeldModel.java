package io.gyre.dl4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.ConvexOptimizer;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;

/**
 * Refuses training of a model by others between the calls of its trainer: {@code fit} of the model itself, an
 * {@code EarlyStoppingTrainer}, and {@code pretrain}. Each would train this rank alone, and the other ranks would find
 * out in the next step only.
 *
 * <p>It is a listener of the model, and of its layers that can be pretrained, while no call of the trainer runs: what
 * it hears is the work of others. It throws before the first update. {@code setListeners} of the model removes it until
 * the end of the next call. It ignores copies of the model, which may have its listeners.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The trainer's thread.
 * </dl>
 */
final class HeldModel extends BaseTrainingListener {

    private final Network network;
    private final String ofRank;
    private boolean holds;

    /**
     * Prepares it, without changing the model.
     *
     * @param ofRank the rank that trains, for errors
     */
    HeldModel(Network network, String ofRank) {
        this.network = network;
        this.ofRank = ofRank;
    }

    /** Refuses training by others from now on. */
    void hold() {
        network.listeners().add(this);
        if (!network.lacksUpdater()) {
            // Else the next fit makes an optimiser, with the model's listeners.
            network.model().getOptimizer().setListeners(network.listeners());
        }
        pretrainable().forEach(layer -> {
            Collection<TrainingListener> listeners = without(this, layer.getListeners());
            listeners.add(this);
            layer.setListeners(listeners);
            toOptimizer(layer, listeners);
        });
        holds = true;
    }

    /** Allows training by others again, and takes itself out of all listeners. A second call does nothing. */
    void release() {
        network.listeners().removeIf(listener -> listener == this);
        // The model's addListeners gives all of its listeners to every layer.
        Arrays.stream(network.layers())
                .filter(layer ->
                        layer.getListeners() != null && layer.getListeners().contains(this))
                .forEach(layer -> layer.setListeners(without(this, layer.getListeners())));
        pretrainable().forEach(layer -> toOptimizer(layer, layer.getListeners()));
        holds = false;
    }

    private Stream<Layer> pretrainable() {
        return Arrays.stream(network.layers()).filter(Layer::isPretrainLayer);
    }

    private static Collection<TrainingListener> without(
            TrainingListener one, @Nullable Collection<TrainingListener> listeners) {
        Collection<TrainingListener> others = listeners == null ? new ArrayList<>() : new ArrayList<>(listeners);
        others.remove(one);
        return others;
    }

    /** A layer that was pretrained before keeps its optimiser, and that its listeners. */
    private static void toOptimizer(Layer layer, Collection<TrainingListener> listeners) {
        ConvexOptimizer optimizer = layer.getOptimizer();
        if (optimizer != null) {
            optimizer.setListeners(listeners);
        }
    }

    @Override
    public void onEpochStart(Model model) {
        refuse(model);
    }

    @Override
    public void onGradientCalculation(Model model) {
        refuse(model);
    }

    @SuppressWarnings("ReferenceEquality") // A copy of the model is another model.
    private void refuse(Model model) {
        boolean isModel = model == network.model();
        boolean isLayer = model instanceof Layer && !(model instanceof MultiLayerNetwork);
        if (!holds || !(isModel || isLayer)) {
            return;
        }
        // No step overwrites what pretraining has left in the gradients of a decoder.
        network.gradients().assign(0);
        throw new IllegalStateException(
                "the model is held by the trainer of " + ofRank
                        + (isModel
                                ? ": fit of the model itself, or an EarlyStoppingTrainer, would train this rank alone. Call fit of"
                                        + " the trainer, or use DistributedEarlyStopping; or close the trainer first"
                                : ": pretrain is not distributed, and would train this rank alone. Call it on rank 0 before the"
                                        + " trainer is made, which gives its parameters to all ranks; or close the trainer first"));
    }
}
