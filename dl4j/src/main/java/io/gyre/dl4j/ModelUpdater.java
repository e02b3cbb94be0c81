package io.gyre.dl4j;

import java.util.IdentityHashMap;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.updater.BaseMultiLayerUpdater;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.conf.WorkspaceConfiguration;
import org.nd4j.linalg.api.memory.enums.AllocationPolicy;
import org.nd4j.linalg.api.memory.enums.LearningPolicy;
import org.nd4j.linalg.api.memory.enums.ResetPolicy;
import org.nd4j.linalg.api.memory.enums.SpillPolicy;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A model's own updater, with its state and the workspace in which it computes. */
final class ModelUpdater {

    /**
     * Deeplearning4j runs its updaters in the workspace that the activations have just released, and so does this
     * class.
     */
    private static final String ACTIVATIONS_WORKSPACE = "WS_ALL_LAYERS_ACT";

    private static final WorkspaceConfiguration ACTIVATIONS_CONFIGURATION = WorkspaceConfiguration.builder()
            .initialSize(0)
            .overallocationLimit(0.05)
            .policyLearning(LearningPolicy.FIRST_LOOP)
            .policyReset(ResetPolicy.BLOCK_LEFT)
            .policySpill(SpillPolicy.REALLOCATE)
            .policyAllocation(AllocationPolicy.OVERALLOCATE)
            .build();

    private final Network network;
    private final LayerWorkspaceMgr workspaces;
    private Updater latest;

    /** Uses the model's updater, which is created if there is none. */
    ModelUpdater(Network network) {
        this.network = network;
        workspaces = network.trainingWorkspaceMode() == WorkspaceMode.NONE
                ? LayerWorkspaceMgr.noWorkspaces()
                : LayerWorkspaceMgr.builder()
                        .with(ArrayType.UPDATER_WORKING_MEM, ACTIVATIONS_WORKSPACE, ACTIVATIONS_CONFIGURATION)
                        .build();
        latest = network.updater();
    }

    /** {@code MultiLayerNetwork.clear()} drops the updater with its state: restores it. */
    void keep() {
        if (network.lacksUpdater()) {
            network.setUpdater(latest);
        }
        latest = network.updater();
    }

    /** The state as one flat vector; null if it has none. A new learning rate moves it. */
    @Nullable INDArray state() {
        return network.updater().getStateViewArray();
    }

    /** Clips gradients, which are means, as the model is configured. */
    void clip(IdentityHashMap<Trainable, Gradient> byLayer) {
        BaseMultiLayerUpdater<?> clipper = (BaseMultiLayerUpdater<?>) network.updater();
        byLayer.forEach((layer, gradient) -> clipper.preApply(layer, gradient, network.step()));
    }

    /**
     * Turns the sums of the gradients into the update, in place, and applies it to the parameters.
     *
     * @param examples behind the sums
     */
    void apply(GradientViews gradients, long examples) {
        network.applyUpdater(gradients.byParameter(), Math.toIntExact(examples), workspaces);
        network.model().getOptimizer().getStepFunction().step(network.model().params(), gradients.flat());
    }
}
