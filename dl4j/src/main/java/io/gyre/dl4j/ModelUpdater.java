package io.gyre.dl4j;

import io.gyre.Chunk;
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
    private @Nullable INDArray sharedState;
    private @Nullable LearningRates rates;
    private @Nullable ChunkUpdater ofChunk;

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

    /**
     * {@code MultiLayerNetwork.clear()} drops the updater with its state: restores it. A new learning rate moves the
     * state: moves it back to where it is shared.
     */
    void keep() {
        if (network.lacksUpdater()) {
            network.setUpdater(latest);
        }
        if (sharedState != null) {
            moveTo(sharedState);
        }
        if (rates != null) {
            rates.read();
        }
        latest = network.updater();
    }

    @SuppressWarnings("ReferenceEquality") // Arrays with equal contents are different memory.
    private void moveTo(INDArray memory) {
        INDArray state = state();
        if (state != memory && state != null) {
            // All ranks that share it write the same values.
            memory.assign(state);
            network.setUpdater(network.updaterOver(memory));
        }
    }

    /** See {@link ModelSteps#beginDividing}. */
    void beginDividing(@Nullable INDArray memory) {
        if (memory != null) {
            network.setUpdater(network.updaterOver(memory));
            latest = network.updater();
        }
        sharedState = memory;
        rates = new LearningRates(network);
    }

    /** See {@link ModelSteps#endDividing}. */
    void endDividing() {
        INDArray memory = sharedState;
        if (memory != null) {
            keep();
            sharedState = null;
            network.setUpdater(network.updaterOver(memory.dup()));
            latest = network.updater();
        }
        rates = null;
        ofChunk = null;
    }

    /** See {@link ModelSteps#learningRates}. */
    @Nullable ReplicaPart learningRates() {
        return rates == null ? null : rates.part();
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
        applyUpdate(gradients);
    }

    /** See {@link ModelSteps#computeUpdate}. */
    void computeUpdate(GradientViews gradients, long examples, Chunk chunk) {
        ofChunk(gradients, chunk).compute(Math.toIntExact(examples), network.step(), network.epoch(), workspaces);
    }

    /** See {@link ModelSteps#updateShared}. */
    void updateShared(GradientViews gradients, long examples, Chunk chunk) {
        ofChunk(gradients, chunk).update(Math.toIntExact(examples), network.step(), network.epoch(), workspaces);
    }

    private ChunkUpdater ofChunk(GradientViews gradients, Chunk chunk) {
        ChunkUpdater cut = ofChunk;
        BaseMultiLayerUpdater<?> whole = (BaseMultiLayerUpdater<?>) network.updater();
        if (cut == null || !cut.isOf(whole, gradients, network.parameterVector().data(), chunk)) {
            cut = new ChunkUpdater(network, whole, gradients, chunk);
            ofChunk = cut;
        }
        return cut;
    }

    /** Subtracts the update that is in the gradients from the parameters. */
    void applyUpdate(GradientViews gradients) {
        network.model().getOptimizer().getStepFunction().step(network.model().params(), gradients.flat());
    }
}
