package io.gyre.dl4j;

import io.gyre.training.GradientProgress;
import io.gyre.training.StepSummary;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.layers.FrozenLayer;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.optimize.solvers.BaseOptimizer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * What Deeplearning4j does in a step before the updater and after it: the pass, which leaves the sums of the gradients,
 * and the end, which counts the step. Each notifies the model's listeners as {@code fit} does.
 */
final class ModelStep {

    private final Network network;
    private final GradientPlace place;
    private final boolean hasFrozenLayers;
    private final boolean sumsScore;
    private double regularisation;
    private boolean hasExamples;

    ModelStep(Network network, GradientPlace place) {
        this.network = network;
        this.place = place;
        hasFrozenLayers = network.trainables().values().stream().anyMatch(ModelStep::isFrozen);
        sumsScore = network.sumsScore();
    }

    private static boolean isFrozen(Trainable trainable) {
        return trainable instanceof FrozenLayer
                || (trainable instanceof GraphVertex vertex && vertex.getLayer() instanceof FrozenLayer);
    }

    /**
     * Computes the sums of the gradients over a batch.
     *
     * @param batch null for none: the sums are zero
     * @param progress notified how much of them is complete; null for none
     * @return mean loss over the batch, including regularisation unless the model's score is a sum; 0 if there is no
     *     batch
     */
    double backward(@Nullable MultiDataSet batch, @Nullable GradientProgress progress, GradientViews gradients) {
        regularisation = sumsScore ? network.regularisation() : 0;
        // A step may have several passes, some without examples.
        hasExamples |= batch != null;
        if (batch == null) {
            gradients.clear();
            return 0;
        }
        if (hasFrozenLayers) {
            // The backward pass ends at a frozen layer; gradients of the layers below still hold the last update.
            gradients.clear();
        }
        // As fit does: another thread that asks the model for its output waits for the lock.
        synchronized (network.model()) {
            double score = progress == null ? network.backward(batch) : backwardWithHooks(batch, progress);
            for (TrainingListener each : network.listeners()) {
                each.onGradientCalculation(network.model());
            }
            return sumsScore ? (score - regularisation) / Rows.count(batch) : score;
        }
    }

    private double backwardWithHooks(MultiDataSet batch, GradientProgress progress) {
        place.beginPass();
        network.hooks().attach(progress);
        try {
            return network.backward(batch);
        } finally {
            network.hooks().detach();
        }
    }

    /**
     * Sets the score, notifies the listeners, counts the step and applies constraints, in the order of Deeplearning4j. A
     * listener that fails, or is interrupted since another rank is lost, leaves a whole step: its update was applied,
     * and it may not be repeated.
     */
    void end(StepSummary total, GradientViews gradients) {
        int step = network.step();
        int epoch = network.epoch();
        if (!hasExamples) {
            network.showNoExamples(gradients.byParameter());
        }
        hasExamples = false;
        double mean = total.meanScore();
        network.setScore(sumsScore ? mean * total.examples() + regularisation : mean);
        try {
            for (TrainingListener listener : network.listeners()) {
                listener.iterationDone(network.model(), step, epoch);
            }
        } finally {
            BaseOptimizer.incrementIterationCount(network.model(), 1);
            BaseOptimizer.applyConstraints(network.model());
            network.clearPass();
        }
    }
}
