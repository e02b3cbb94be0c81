package io.gyre.dl4j;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.memory.Region;
import io.gyre.session.UserCode;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import io.gyre.training.GradientProgress;
import io.gyre.training.HostAccess;
import io.gyre.training.Span;
import io.gyre.training.StepModel;
import io.gyre.training.StepSummary;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * One rank's copy of a model, and its training step in parts.
 *
 * <p>A replica is the model's parameters, its updater's state and its counters of steps and epochs. This class trains
 * it as Deeplearning4j's own step does ({@code StochasticGradientDescent.optimize}), split at the one place where ranks
 * must synchronise: after the gradients are summed over the examples, before they are divided by the number of
 * examples, clipped, regularised and passed to the updater. Each part is Deeplearning4j's own code: {@link ModelSteps}
 * runs the pass, updates and counts the step, {@link GradientPlace} says where the gradients are meanwhile, and {@link
 * GradientViews} names their parts.
 *
 * <dl>
 *   <dt>Invariants
 *   <dd>Between steps, replicas of ranks in step have the same bits, though each computed its own: every rank, also one
 *       without examples, runs the same update on the same sums. It installs nothing in the model outside a pass: that
 *       stays a plain model.
 *   <dt>Order
 *   <dd>{@link io.gyre.training.StepDriver} has it: {@link #backward}; for each bucket {@link #complete}, the reduction
 *       between {@link #beginReduction} and {@link #endReduction}, and {@link #checkUnchanged} in it; {@link #reduced};
 *       {@link #update}, or its halves if ranks divide it, or {@link #averageGradients} if a server updates; {@link
 *       #endStep}. During the pass, buckets may be reduced as it reports them complete. {@link #state} may be written
 *       between steps; {@link #stateChanged} follows.
 *   <dt>What may move
 *   <dd>The model may allocate a new gradient vector between steps, and a new learning rate moves the updater's state:
 *       {@link #backward} follows the first, and {@link #state} is asked for again after the second.
 *   <dt>Threading
 *   <dd>The thread that trains. With overlap, a second one reduces complete buckets: {@link #hostAccessOfAnotherThread}
 *       and {@link #checkUnchanged}.
 *   <dt>Ownership
 *   <dd>The model and the place of its gradients are borrowed.
 * </dl>
 */
final class Replica implements StepModel {

    private static final String UPDATE = "the update or a listener after it";

    private final TrainedModel network;
    private final UserCode code;
    private final ModelLayout layout;
    private final BucketPlan bucketPlan;
    private final GradientPlace place;
    private final ModelSteps steps;
    private final GradientChecksums checksums;
    private final @Nullable ReplicaPart further;
    private final boolean inHostMemory;
    private GradientViews views;
    private @Nullable Chunk updated;
    private @Nullable ParameterSharing sharing;

    /**
     * Creates the replica, and clears the model's gradients.
     *
     * @param bucketPlan of the model's {@link ModelLayout}
     * @param place of the model's gradients; borrowed
     * @param code notified when the thread is in the model's updater and listeners
     * @param further state of the replica, such as a loss scale; null if there is none
     */
    Replica(
            TrainedModel network,
            BucketPlan bucketPlan,
            GradientPlace place,
            UserCode code,
            @Nullable ReplicaPart further) {
        this.network = network;
        this.bucketPlan = bucketPlan;
        this.place = place;
        this.code = code;
        this.further = further;
        layout = network.layout();
        steps = network.steps(place);
        views = network.gradientViews(bucketPlan);
        checksums = new GradientChecksums(place, bucketPlan, layout);
        inHostMemory = reducesInPlace();
    }

    TrainedModel network() {
        return network;
    }

    @Override
    public ElementType elementType() {
        return layout.elementType();
    }

    @Override
    public BucketPlan bucketPlan() {
        return bucketPlan;
    }

    /** Checksums of this rank's own gradients, until they are reduced. */
    GradientChecksums checksums() {
        return checksums;
    }

    // The step, in its order.

    /**
     * Computes the sums of the gradients over a batch.
     *
     * @param batch null for none: the sums are zero
     * @param progress notified how much of them is complete; null for none
     * @return mean loss over the batch, including regularisation unless the model's score is a sum; 0 if there is no
     *     batch
     */
    @SuppressWarnings("ReferenceEquality") // Arrays with equal contents are different memory.
    double backward(@Nullable MultiDataSet batch, @Nullable GradientProgress progress) {
        steps.keepUpdater();
        if (network.gradients() != views.vector()) {
            place.replaced(network.gradients());
            views = network.gradientViews(bucketPlan);
        }
        return steps.backward(batch, progress, views);
    }

    /** Prepares a bucket of this rank's gradients for reduction: its means become sums until {@link #reduced}. */
    @Override
    public void complete(Bucket bucket, long ownExamples) {
        if (inHostMemory) {
            for (GradientViews.Mean mean : views.means()) {
                if (mean.bucket() == bucket.index()) {
                    HostMeans.multiply(place.region(), layout.elementType(), mean, ownExamples);
                }
            }
        } else {
            views.sumMeans(bucket, ownExamples);
        }
        if (ownSums() == null) {
            checksums.keep(bucket);
        }
    }

    @Override
    public boolean reduceOwnChunk(long step) {
        ChunkSums sums = ownSums();
        if (sums == null) {
            return false;
        }
        sums.run(step);
        return true;
    }

    /** Where only the sums of this rank's chunk are computed; null where all are. */
    private @Nullable ChunkSums ownSums() {
        return sharing == null ? null : sharing.sumsOf(place.region());
    }

    @Override
    public void beginReduction(Bucket bucket) {
        place.beginReduction(bucket.index());
    }

    @Override
    public void beginReduction() {
        place.beginReduction();
    }

    @Override
    public HostAccess hostAccess() {
        return place.access();
    }

    @Override
    public HostAccess hostAccessOfAnotherThread() {
        return place.accessOfAnotherThread();
    }

    @Override
    public void checkUnchanged(Bucket bucket) {
        checksums.check(bucket);
    }

    @Override
    public void endReduction() {
        place.endReduction();
    }

    @Override
    public void reduced(StepSummary total) {
        if (inHostMemory) {
            for (GradientViews.Mean mean : views.means()) {
                HostMeans.divide(place.region(), layout.elementType(), mean, total.examples());
            }
        } else {
            views.restoreMeans(total.examples());
        }
    }

    /**
     * Whether the gradients hold no NaN and no infinity; where ranks divide the update, those of which this rank
     * computes the update.
     */
    boolean gradientsAreFinite() {
        ChunkSums sums = ownSums();
        if (sums != null) {
            return sums.areFinite();
        }
        return updated == null ? place.areFinite() : place.areFinite(updated);
    }

    /** Whether this rank has added gradients as their passes had left them. */
    boolean gradientsAreWhole() {
        ChunkSums sums = ownSums();
        return sums == null ? checksums.areWhole() : sums.areWhole();
    }

    /**
     * The gradients that were not.
     *
     * @param rank this one
     */
    List<ChangedGradients> changedGradients(int rank) {
        ChunkSums sums = ownSums();
        return sums == null ? checksums.changes(rank) : sums.changes(layout);
    }

    /** Where the gradients of several passes are summed: where they are computed. */
    EarlierPasses earlierPasses() {
        return place.earlierPasses();
    }

    /** Clips layer by layer; a server with only a part of a layer cannot. */
    @Override
    public void averageGradients(StepSummary total) {
        views.averageSums(total.examples());
        steps.clip(views);
        beginReduction();
        HostAccess access = hostAccess();
        for (Bucket bucket : bucketPlan.buckets()) {
            access.await(bucket.index());
            access.copyBack(bucket.index());
        }
        endReduction();
    }

    @Override
    public void update(StepSummary total) {
        code.enter(UPDATE, network.step());
        try {
            synchronized (network.model()) {
                steps.update(views, total.examples());
            }
        } finally {
            code.leave();
        }
    }

    @Override
    public void computeUpdate(StepSummary total, Chunk chunk) {
        code.enter(UPDATE, network.step());
        try {
            synchronized (network.model()) {
                steps.computeUpdate(views, total.examples(), chunk);
            }
        } finally {
            code.leave();
        }
    }

    @Override
    public void applyUpdate() {
        code.enter(UPDATE, network.step());
        try {
            synchronized (network.model()) {
                steps.applyUpdate(views);
            }
        } finally {
            code.leave();
        }
    }

    @Override
    public boolean sharesParameters() {
        return sharing != null && sharing.isUsed();
    }

    /** As {@code fit} does, a rank locks its model: another thread sees no parameters of a step that is not whole. */
    @Override
    public void updateShared(StepSummary total, Chunk chunk, Runnable meeting) {
        ParameterSharing shared = Objects.requireNonNull(sharing);
        synchronized (network.model()) {
            meeting.run();
            shared.beginUpdate();
            code.enter(UPDATE, network.step());
            try {
                steps.updateShared(views, total.examples(), chunk);
            } finally {
                code.leave();
            }
            shared.finishUpdate();
            meeting.run();
        }
    }

    @Override
    public void endStep(StepSummary total) {
        code.enter(UPDATE, network.step());
        try {
            synchronized (network.model()) {
                steps.end(total, views);
            }
        } finally {
            code.leave();
        }
    }

    // The vectors.

    @Override
    public Region gradients() {
        return place.region();
    }

    /** Makes the current values of a part of {@link #gradients} readable, outside of any exchange. */
    void fetch(long byteOffset, long byteLength) {
        place.fetch(byteOffset, byteLength);
    }

    /** The gradients as one flat vector: a view. */
    INDArray gradientVector() {
        return views.flat();
    }

    /** Which parts of the gradients are means. */
    List<GradientViews.Mean> means() {
        return views.means();
    }

    @Override
    public Region parameters() {
        return HostMemory.region("parameters", network.parameters());
    }

    @Override
    public List<Span> statistics() {
        return views.means().stream()
                .map(mean -> new Span(mean.offset(), mean.array().length()))
                .sorted(Comparator.comparingLong(Span::offset))
                .toList();
    }

    /** Notifies ND4J that {@link #parameters} was written. */
    @Override
    public void parametersChanged() {
        HostMemory.endUse(network.parameters());
    }

    /** The updater's state as one flat vector; null if it has none. A new learning rate moves it. */
    @Nullable INDArray updaterState() {
        return steps.updaterState();
    }

    /**
     * Ranks divide the update from now on.
     *
     * @param sharedState see {@link ModelSteps#beginDividing}
     * @param own the chunk for {@link #computeUpdate}
     */
    void beginDividing(@Nullable INDArray sharedState, Chunk own) {
        steps.beginDividing(sharedState);
        updated = own;
    }

    /** Whether ranks divide the update. */
    boolean isDivided() {
        return updated != null;
    }

    /** See {@link ModelSteps#endDividing}. */
    void endDividing() {
        steps.endDividing();
        updated = null;
    }

    /** Ranks share the parameters during calls of {@code fit} from now on, if nothing is against it. */
    void shareParameters(ParameterSharing between) {
        sharing = between;
    }

    /** How ranks share parameters during calls of {@code fit}; null if they never do. */
    @Nullable ParameterSharing sharing() {
        return sharing;
    }

    /** Whether the ranks share parameters, and this one's program may change them. */
    boolean needsOwnParameters() {
        return sharing != null && sharing.isUsed() && !sharing.isAllowedNow();
    }

    /** Whether the model computes its gradients where ranks reduce them. */
    boolean reducesInPlace() {
        return !place.isStaged() && Nd4j.getEnvironment().isCPU();
    }

    @Override
    public int epoch() {
        return network.epoch();
    }

    /**
     * Parameters, updater state and what else there is, such as a loss scale. Created for each call: a new learning
     * rate moves the updater's state.
     */
    @Override
    public List<Region> state() {
        return stateParts().stream().map(ReplicaPart::memory).toList();
    }

    /** Notifies ND4J that {@link #state} was written. */
    void stateChanged() {
        parametersChanged();
        INDArray updaterState = updaterState();
        if (updaterState != null) {
            HostMemory.endUse(updaterState);
        }
    }

    /** What is equal on all ranks in step between two steps. */
    List<ReplicaPart> stateParts() {
        List<ReplicaPart> parts = new ArrayList<>();
        parts.add(
                new ReplicaPart("parameters", parameters(), network.parameters().dataType(), layout::nameOf));
        INDArray updaterState = updaterState();
        if (updaterState != null) {
            Region memory = HostMemory.region("updater state", updaterState);
            parts.add(new ReplicaPart(memory.name(), memory, updaterState.dataType(), element -> "element " + element));
        }
        addFurther(parts);
        return parts;
    }

    private void addFurther(List<ReplicaPart> parts) {
        if (further != null) {
            parts.add(further);
        }
    }

    /**
     * What is equal on all ranks in step before the update of a step. On a GPU backend these are only the gradients'
     * sums, which are in host memory then: the rest would have to be copied there. What all ranks have one copy of is
     * not compared, nor are sums that only one rank has.
     */
    List<ReplicaPart> parts() {
        List<ReplicaPart> parts = new ArrayList<>();
        if (sharing != null && sharing.isOfAllRanks()) {
            addFurther(parts);
        } else if (Nd4j.getEnvironment().isCPU()) {
            parts.addAll(stateParts());
        }
        if (ownSums() == null) {
            parts.add(new ReplicaPart("sums of the gradients", gradients(), sumsType(), layout::nameOf));
        }
        ReplicaPart rates = steps.learningRates();
        if (rates != null) {
            parts.add(rates);
        }
        return parts;
    }

    private DataType sumsType() {
        return elementType() == ElementType.FLOAT64 ? DataType.DOUBLE : DataType.FLOAT;
    }

    /** Name of an element of the parameters or gradients, see {@link ModelLayout#nameOf}. */
    String nameOf(long element) {
        return layout.nameOf(element);
    }

    /** Two models with the same layout can exchange states: see {@link ModelLayout#text}. */
    String layout() {
        INDArray updaterState = updaterState();
        String text = layout.text(updaterState == null ? 0 : updaterState.length());
        return further == null ? text : text + "; " + further.name();
    }
}
