package io.gyre.dl4j;

import io.gyre.ElementType;
import io.gyre.World;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.session.UserCode;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import io.gyre.training.GradientProgress;
import io.gyre.training.HostAccess;
import io.gyre.training.StepModel;
import io.gyre.training.StepSummary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.layers.FrozenLayer;
import org.deeplearning4j.nn.updater.BaseMultiLayerUpdater;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.StepFunction;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.optimize.solvers.BaseOptimizer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.conf.WorkspaceConfiguration;
import org.nd4j.linalg.api.memory.enums.AllocationPolicy;
import org.nd4j.linalg.api.memory.enums.LearningPolicy;
import org.nd4j.linalg.api.memory.enums.ResetPolicy;
import org.nd4j.linalg.api.memory.enums.SpillPolicy;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * One rank's copy of a model, and its training step in parts: {@link #backward}, the exchange of gradients by another
 * class, {@link #update} and {@link #endStep}.
 *
 * <p>This is Deeplearning4j's own step ({@code StochasticGradientDescent.optimize}), split at the one place where ranks
 * must synchronise: after the gradients are summed over the examples, before they are divided by the number of
 * examples, clipped, regularised and passed to the updater. Nothing is installed in the model: it stays a plain model.
 * Every rank, also one without examples, runs the same update code on the same bits.
 */
final class Replica implements StepModel, AutoCloseable {

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

    private static final String UPDATE = "the update or a listener after it";

    private final Network network;
    private final UserCode code;
    private final Map<String, Trainable> trainables;
    private final boolean hasFrozenLayers;
    private final boolean sumsScore;
    private final ElementType elementType;
    private final BucketPlan bucketPlan;
    private final LayerWorkspaceMgr updaterWorkspaces;
    private final GradientSeals seals;
    private @Nullable SharedGradients shared;
    private @Nullable DeviceGradients onDevice;
    private Updater updater;
    private Binding binding;
    private double regularisation;
    private boolean hasExamples;

    /** State that depends on the address of the gradients. */
    private record Binding(
            INDArray gradients,
            Region region,
            boolean ownsRegion,
            Gradient byParameter,
            Map<Trainable, Gradient> byLayer,
            List<INDArray> sums,
            List<Mean> means) {
        void close() {
            if (ownsRegion) {
                region.close();
            }
        }
    }

    /**
     * A part of the gradients that is a mean over examples; most parts are sums. It is within one bucket.
     *
     * @param offset start in the vector, in elements
     */
    record Mean(long offset, int bucket, INDArray array) {}

    /** A forward and a backward pass. */
    interface Pass {

        /**
         * Runs it.
         *
         * @param listener told how much of the gradients is complete; null for none
         * @return mean loss over the batch; 0 if there is none
         */
        double run(@Nullable GradientProgress listener);
    }

    /**
     * Creates the replica.
     *
     * @param code notified when the thread is in the model's updater and listeners
     */
    Replica(Network network, long bucketBytes, UserCode code) {
        this.network = network;
        this.code = code;
        trainables = network.trainables();
        hasFrozenLayers = trainables.values().stream().anyMatch(Replica::isFrozen);
        sumsScore = network.sumsScore();
        elementType = HostMemory.elementType(network.model().params());
        updaterWorkspaces = network.trainingWorkspaceMode() == WorkspaceMode.NONE
                ? LayerWorkspaceMgr.noWorkspaces()
                : LayerWorkspaceMgr.builder()
                        .with(ArrayType.UPDATER_WORKING_MEM, ACTIVATIONS_WORKSPACE, ACTIVATIONS_CONFIGURATION)
                        .build();
        updater = network.updater();
        List<Long> layerLengths = new ArrayList<>();
        for (Trainable trainable : trainables.values()) {
            layerLengths.add(trainable.paramTable(false).values().stream()
                    .mapToLong(INDArray::length)
                    .sum());
        }
        bucketPlan = BucketPlan.of(layerLengths, Math.max(1, bucketBytes / elementType.bytes()));
        binding = bind();
        seals = new GradientSeals(this);
    }

    private static boolean isFrozen(Trainable trainable) {
        return trainable instanceof FrozenLayer
                || (trainable instanceof GraphVertex vertex && vertex.getLayer() instanceof FrozenLayer);
    }

    /** Splits the gradient vector by parameter, as the updater needs it for clipping. */
    private Binding bind() {
        INDArray gradients = network.gradients();
        // Values that earlier use of the model left in parts that no layer writes would be summed in every step.
        gradients.assign(0);
        INDArray flat = gradients.reshape(gradients.length());
        Gradient byParameter = new DefaultGradient(gradients);
        Map<Trainable, Gradient> byLayer = new LinkedHashMap<>();
        List<INDArray> sums = new ArrayList<>();
        List<Mean> means = new ArrayList<>();
        long offset = 0;
        for (Map.Entry<String, Trainable> trainable : trainables.entrySet()) {
            for (Map.Entry<String, INDArray> parameter :
                    trainable.getValue().paramTable(false).entrySet()) {
                long length = parameter.getValue().length();
                INDArray part = flat.get(NDArrayIndex.interval(offset, offset + length));
                if (trainable.getValue().getGradientsViewArray() != null) {
                    byParameter.setGradientFor(trainable.getKey() + "_" + parameter.getKey(), part);
                }
                byLayer.computeIfAbsent(trainable.getValue(), layer -> new DefaultGradient())
                        .setGradientFor(parameter.getKey(), part);
                if (trainable.getValue().updaterDivideByMinibatch(parameter.getKey())) {
                    sums.add(part);
                } else {
                    addByBucket(flat, offset, offset + length, means);
                }
                offset += length;
            }
        }
        if (offset != gradients.length()) {
            throw new IllegalStateException(
                    "the layers have " + offset + " parameters, and the gradient vector " + gradients.length());
        }
        Region inBox = onDevice != null ? onDevice.region() : shared == null ? null : shared.region(gradients);
        return new Binding(
                gradients,
                inBox == null ? HostMemory.region("gradients", gradients) : inBox,
                inBox == null,
                byParameter,
                byLayer,
                sums,
                means);
    }

    /** Records means by the bucket in which they are exchanged; a layer larger than a bucket may be split anywhere. */
    private void addByBucket(INDArray flat, long from, long to, List<Mean> means) {
        for (Bucket bucket : bucketPlan.buckets()) {
            long begin = Math.max(from, bucket.offset());
            long end = Math.min(to, bucket.offset() + bucket.length());
            if (begin < end) {
                means.add(new Mean(begin, bucket.index(), flat.get(NDArrayIndex.interval(begin, end))));
            }
        }
    }

    /**
     * Moves the gradients to memory in which they can be exchanged faster, until this is closed.
     *
     * @param world of all ranks that train; names this rank in the log, and decides which rank logs for all
     * @param memory as long as the gradients; owned from now on
     * @param source access to the device, if they are on one: they stay there, and are copied to the memory for the
     *     exchange. Owned from now on
     */
    void moveGradients(World world, MemoryBox memory, DeviceGradients.@Nullable Source source) {
        binding.close();
        shared = new SharedGradients(network, memory, source != null, world.isRoot());
        onDevice = source == null
                ? null
                : new DeviceGradients(
                        world.rank(), source, network.gradients(), memory.region(), elementType, bucketPlan);
        binding = bind();
    }

    /** Where the gradients of several passes are summed: where they are computed. */
    EarlierPasses earlierPasses() {
        return onDevice == null ? new EarlierPasses.InArray() : onDevice.earlierPasses();
    }

    /** Whether gradients are copied from a device to the host and back in each step. */
    boolean isStaged() {
        return onDevice != null;
    }

    /** Seals of this rank's own gradients, until they are reduced. */
    GradientSeals seals() {
        return seals;
    }

    @Override
    public void beginReduction() {
        if (onDevice == null) {
            HostMemory.beginUse(binding.gradients());
        } else {
            onDevice.begin(binding.gradients());
        }
    }

    @Override
    public void beginReduction(Bucket bucket) {
        if (onDevice != null) {
            onDevice.beginBucket(binding.gradients(), bucket.index());
        }
    }

    @Override
    public HostAccess hostAccess() {
        return onDevice == null ? HostAccess.DIRECT : onDevice.access();
    }

    @Override
    public HostAccess hostAccessOfAnotherThread() {
        return onDevice == null ? HostAccess.DIRECT : onDevice.accessOfAnotherThread();
    }

    /** Makes the current values of a part of the gradients readable, outside of any exchange. */
    void fetch(long byteOffset, long byteLength) {
        if (onDevice != null) {
            onDevice.fetch(binding.gradients(), byteOffset, byteLength);
        }
    }

    /** Returns the gradients to ND4J. */
    @Override
    public void endReduction() {
        if (onDevice == null) {
            HostMemory.endUse(binding.gradients());
        } else {
            onDevice.end(binding.gradients());
        }
    }

    /** The gradients as one flat vector: a view. */
    INDArray gradientVector() {
        return binding.gradients().reshape(binding.gradients().length());
    }

    /** Which parts of the gradients are means. */
    List<Mean> means() {
        return binding.means();
    }

    Network network() {
        return network;
    }

    @Override
    public ElementType elementType() {
        return elementType;
    }

    @Override
    public BucketPlan bucketPlan() {
        return bucketPlan;
    }

    @Override
    public Region gradients() {
        return binding.region();
    }

    /** Parameters and updater state, if any. Created for each call: a new learning rate moves the updater's state. */
    @Override
    public List<Region> state() {
        return stateParts().stream().map(ReplicaPart::memory).toList();
    }

    @Override
    public Region parameters() {
        return HostMemory.region("parameters", network.model().params());
    }

    @Override
    public int epoch() {
        return network.epoch();
    }

    /** What is equal on all ranks in step between two steps. */
    List<ReplicaPart> stateParts() {
        List<ReplicaPart> parts = new ArrayList<>();
        parts.add(new ReplicaPart("parameters", parameters(), elementType, this::nameOf));
        INDArray updaterState = updaterState();
        if (updaterState != null) {
            Region memory = HostMemory.region("updater state", updaterState);
            parts.add(new ReplicaPart(memory.name(), memory, elementType, element -> "element " + element));
        }
        return parts;
    }

    /**
     * What is equal on all ranks in step before the update of a step. On a GPU backend these are only the gradients'
     * sums, which are in host memory then: the rest would have to be copied there.
     */
    List<ReplicaPart> parts() {
        List<ReplicaPart> parts = Nd4j.getEnvironment().isCPU() ? stateParts() : new ArrayList<>();
        parts.add(new ReplicaPart("sums of the gradients", binding.region(), elementType, this::nameOf));
        return parts;
    }

    /** The updater's state as one flat vector; null if it has none. A new learning rate moves it. */
    @Nullable INDArray updaterState() {
        return network.updater().getStateViewArray();
    }

    /**
     * Name of an element of the parameters or gradients, in terms of the model's layers and parameters.
     *
     * @param element in the flat vector
     */
    String nameOf(long element) {
        long offset = 0;
        for (Map.Entry<String, Trainable> trainable : trainables.entrySet()) {
            for (Map.Entry<String, INDArray> parameter :
                    trainable.getValue().paramTable(false).entrySet()) {
                long length = parameter.getValue().length();
                if (element < offset + length) {
                    return "element " + (element - offset) + " of parameter " + trainable.getKey() + "_"
                            + parameter.getKey();
                }
                offset += length;
            }
        }
        return "element " + element;
    }

    /** Tells ND4J that {@link #parameters} was written to. */
    @Override
    public void parametersChanged() {
        HostMemory.endUse(network.model().params());
    }

    /** Notifies ND4J that {@link #state} was written. */
    void stateChanged() {
        HostMemory.endUse(network.model().params());
        INDArray updaterState = network.updater().getStateViewArray();
        if (updaterState != null) {
            HostMemory.endUse(updaterState);
        }
    }

    /** Names and shapes of the parameters in vector order: two models with the same layout can exchange states. */
    String layout() {
        StringBuilder layout = new StringBuilder(elementType.name());
        trainables.forEach((name, trainable) -> trainable
                .paramTable(false)
                .forEach((parameter, array) -> layout.append("; ")
                        .append(name)
                        .append('_')
                        .append(parameter)
                        .append(' ')
                        .append(Arrays.toString(array.shape()))));
        INDArray updaterState = network.updater().getStateViewArray();
        return layout.append("; updater state of ")
                .append(updaterState == null ? 0 : updaterState.length())
                .toString();
    }

    /**
     * Computes the sums of the gradients over a batch.
     *
     * @param batch null for none: the sums are zero
     * @param listener told how much of them is complete; null for none
     * @return mean loss over the batch, including regularisation unless the model's score is a sum; 0 if there is no
     *     batch
     */
    double backward(@Nullable MultiDataSet batch, @Nullable GradientProgress listener) {
        keepUpdater();
        if (network.gradients() != binding.gradients()) {
            binding.close();
            if (shared != null) {
                // The model has allocated a new vector.
                shared.reinstall();
            }
            binding = bind();
        }
        regularisation = sumsScore ? network.regularisation() : 0;
        hasExamples = batch != null;
        if (batch == null) {
            binding.gradients().assign(0);
            return 0;
        }
        if (hasFrozenLayers) {
            // The backward pass ends at a frozen layer; gradients of the layers below still hold the last update.
            binding.gradients().assign(0);
        }
        // As fit does: another thread that asks the model for its output waits for the lock.
        synchronized (network.model()) {
            double score = listener == null ? network.backward(batch) : backwardHeardBy(listener, batch);
            for (TrainingListener each : network.listeners()) {
                each.onGradientCalculation(network.model());
            }
            return sumsScore ? (score - regularisation) / Rows.count(batch) : score;
        }
    }

    private double backwardHeardBy(GradientProgress listener, MultiDataSet batch) {
        if (onDevice != null) {
            onDevice.open(binding.gradients());
        }
        network.hooks().attach(listener);
        try {
            return network.backward(batch);
        } finally {
            network.hooks().detach();
        }
    }

    /** {@code MultiLayerNetwork.clear()} drops the updater with its state: restores it. */
    private void keepUpdater() {
        if (network.lacksUpdater()) {
            network.setUpdater(updater);
        }
        updater = network.updater();
    }

    /**
     * Prepares a bucket of this rank's gradients for reduction. Most are sums over examples. Some are means, such as
     * BatchNorm's updates of its running statistics, which Deeplearning4j does not divide by the number of examples
     * later: they become sums now, and means again in {@link #reduced}.
     */
    @Override
    public void complete(Bucket bucket, long ownExamples) {
        for (Mean mean : binding.means()) {
            if (mean.bucket() == bucket.index()) {
                mean.array().muli(ownExamples);
            }
        }
        seals.seal(bucket);
    }

    @Override
    public void checkUnchanged(Bucket bucket) {
        seals.check(bucket);
    }

    @Override
    public void reduced(StepSummary total) {
        for (Mean mean : binding.means()) {
            mean.array().divi(total.examples());
        }
    }

    /** Clips layer by layer; a server with only a part of a layer cannot. */
    @Override
    public void averageGradients(StepSummary total) {
        for (INDArray sum : binding.sums()) {
            sum.divi(total.examples());
        }
        BaseMultiLayerUpdater<?> clipper = (BaseMultiLayerUpdater<?>) network.updater();
        binding.byLayer().forEach((layer, gradient) -> clipper.preApply(layer, gradient, network.step()));
        beginReduction();
        HostAccess access = hostAccess();
        for (Bucket bucket : bucketPlan.buckets()) {
            access.await(bucket.index());
            access.copyBack(bucket.index());
        }
        endReduction();
    }

    /**
     * Whether the gradients hold no NaN and no infinity. On a GPU that only ND4J reaches, the sum of absolute values
     * would show both.
     */
    boolean gradientsAreFinite() {
        if (onDevice != null) {
            return onDevice.areFinite(binding.gradients());
        }
        return Nd4j.getEnvironment().isCPU()
                ? !NotFinite.isIn(binding.region(), elementType)
                : Double.isFinite(binding.gradients().norm1Number().doubleValue());
    }

    @Override
    public void update(StepSummary total) {
        code.enter(UPDATE, network.step());
        try {
            synchronized (network.model()) {
                network.applyUpdater(binding.byParameter(), Math.toIntExact(total.examples()), updaterWorkspaces);
                StepFunction stepFunction = network.model().getOptimizer().getStepFunction();
                stepFunction.step(network.model().params(), gradientVector());
            }
        } finally {
            code.leave();
        }
    }

    @Override
    public void endStep(StepSummary total) {
        code.enter(UPDATE, network.step());
        try {
            synchronized (network.model()) {
                endStep(total, network.step(), network.epoch());
            }
        } finally {
            code.leave();
        }
    }

    private void endStep(StepSummary total, int step, int epoch) {
        if (!hasExamples) {
            network.showNoExamples(binding.byParameter());
        }
        double mean = total.meanScore();
        network.setScore(sumsScore ? mean * total.examples() + regularisation : mean);
        for (TrainingListener listener : network.listeners()) {
            listener.iterationDone(network.model(), step, epoch);
        }
        BaseOptimizer.incrementIterationCount(network.model(), 1);
        BaseOptimizer.applyConstraints(network.model());
        network.clearPass();
    }

    @Override
    public void close() {
        binding.close();
        if (onDevice != null) {
            onDevice.close();
            onDevice = null;
        }
        if (shared != null) {
            shared.close();
        }
    }
}
