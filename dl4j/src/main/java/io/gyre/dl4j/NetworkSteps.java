package io.gyre.dl4j;

import io.gyre.Chunk;
import io.gyre.training.GradientProgress;
import io.gyre.training.StepSummary;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** The step of Deeplearning4j's networks: {@link ModelStep} and {@link ModelUpdater}. */
final class NetworkSteps implements ModelSteps {

    private final ModelStep step;
    private final ModelUpdater updater;

    NetworkSteps(Network network, GradientPlace place) {
        step = new ModelStep(network, place);
        updater = new ModelUpdater(network);
    }

    @Override
    public void keepUpdater() {
        updater.keep();
    }

    @Override
    public double backward(@Nullable MultiDataSet batch, @Nullable GradientProgress progress, GradientViews gradients) {
        return step.backward(batch, progress, gradients);
    }

    @Override
    public void clip(GradientViews gradients) {
        updater.clip(gradients.byLayer());
    }

    @Override
    public void update(GradientViews gradients, long examples) {
        updater.apply(gradients, examples);
    }

    @Override
    public void computeUpdate(GradientViews gradients, long examples, Chunk chunk) {
        updater.computeUpdate(gradients, examples, chunk);
    }

    @Override
    public void applyUpdate(GradientViews gradients) {
        updater.applyUpdate(gradients);
    }

    @Override
    public void updateShared(GradientViews gradients, long examples, Chunk chunk) {
        updater.updateShared(gradients, examples, chunk);
    }

    @Override
    public void beginDividing(@Nullable INDArray sharedState) {
        updater.beginDividing(sharedState);
    }

    @Override
    public void endDividing() {
        updater.endDividing();
    }

    @Override
    public @Nullable ReplicaPart learningRates() {
        return updater.learningRates();
    }

    @Override
    public void end(StepSummary total, GradientViews gradients) {
        step.end(total, gradients);
    }

    @Override
    public @Nullable INDArray updaterState() {
        return updater.state();
    }
}
