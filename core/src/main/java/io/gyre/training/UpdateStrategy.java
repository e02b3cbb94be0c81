package io.gyre.training;

import io.gyre.World;
import io.gyre.memory.MemoryBox;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How ranks come to a common model.
 *
 * <p>The trainer calls, on one thread: {@link #start} once; {@link #resume} and {@link #finish} around the steps of each call of
 * its {@code fit}; and for each step
 *
 * <ol>
 *   <li>{@link #beforeStep}, unless this rank takes its steps alone and has no examples,
 *   <li>{@link #summarise} after the backward pass, and then, if there were any examples,
 *   <li>{@link #combine},
 *   <li>the model's own updater, if it {@link #updatesHere},
 *   <li>{@link #afterStep}.
 * </ol>
 *
 * <p>Strategies that are not {@link #inLockStep} leave each rank, or each group of {@link #ranksInStep}, its own steps: it may take
 * more or fewer than others.
 */
public interface UpdateStrategy {

    /** One word for reports, as on the command line: {@code allreduce}. */
    String name();

    /** Name and settings, which must be the same on all ranks. */
    default String description() {
        return name();
    }

    /** Whether all {@link #ranksInStep} have the same parameters and updater state, bit for bit, after every step. */
    boolean keepsReplicasIdentical();

    /** Whether all ranks take each step together. */
    default boolean inLockStep() {
        return true;
    }

    /**
     * The ranks that take each step together with this one, which is among them: a summary is theirs, and so are sums of gradients.
     * All ranks, if they are {@link #inLockStep}; else this rank alone, unless the strategy knows better.
     *
     * @param world all ranks that train
     */
    default List<Integer> ranksInStep(World world) {
        return inLockStep() ? IntStream.range(0, world.size()).boxed().toList() : List.of(world.rank());
    }

    /**
     * Whether the model's updater turns gradient sums into an update on this rank. If not, {@link #combine(TrainableModel,
     * StepSummary, long)} is given mean gradients over the ranks in step, whose sums {@link #combine(TrainableModel, Bucket, long)}
     * has made if there are several; and new parameters come by {@link #beforeStep}.
     */
    default boolean updatesHere() {
        return true;
    }

    /**
     * Memory for the gradients in which this strategy is at its best. All ranks call it together, before {@link #start}; the
     * caller closes it.
     *
     * @param byteLength the same on all ranks
     */
    default MemoryBox allocateGradients(long byteLength) {
        return MemoryBox.ofOneRank("gradients", byteLength);
    }

    /** Gives every rank the state of rank 0. */
    void start(TrainableModel model);

    /**
     * Begins or continues training at this rank's step {@code step}.
     *
     * @return the step at which it really goes on: a later one on a rank that was lost and has come back
     */
    default long resume(TrainableModel model, long step) {
        return step;
    }

    /** Brings the parameters with which to compute a step. */
    default void beforeStep(TrainableModel model, long step) {}

    /** Gathers what the {@link #ranksInStep} bring to a step. All get the same summary, and so take the same decisions. */
    StepSummary summarise(StepReport own, long step);

    /**
     * Does with the gradients what is to be done: replaces this rank's sums by those over the {@link #ranksInStep}, in place; or, if
     * the update does not happen here, hands the mean gradients over.
     *
     * @param total what {@link #summarise} has returned
     */
    void combine(TrainableModel model, StepSummary total, long step);

    /**
     * Whether {@link #combine(TrainableModel, Bucket, long)} can be called for each bucket as soon as it is complete, while the
     * backward pass goes on. It is then called instead of summing by the other, before {@link #summarise}, on a thread of the
     * trainer's while that makes no other call.
     */
    default boolean combinesBuckets() {
        return false;
    }

    /**
     * Replaces this rank's sums in one bucket by those over the {@link #ranksInStep}. They all do so for all buckets, in the plan's
     * order.
     */
    default void combine(TrainableModel model, Bucket bucket, long step) {
        throw new UnsupportedOperationException("strategy " + name() + " combines no single buckets");
    }

    /** Does with the parameters what is to be done after an update. */
    default void afterStep(TrainableModel model, long step) {}

    /** Ends the steps of a call; afterwards all ranks have the same parameters. All ranks call it. */
    default void finish(TrainableModel model) {}

    /** Most steps by which any gradient was late, as of the last {@link #finish}. */
    default long maxStaleness() {
        return 0;
    }
}
