package io.gyre;

/**
 * How ranks come to a common model.
 *
 * <p>The trainer calls, on one thread: {@link #start} once; {@link #resume} and {@link #finish} around the steps of each call of
 * its {@code fit}; and for each step
 *
 * <ol>
 *   <li>{@link #beforeStep}, unless this rank has no examples,
 *   <li>{@link #summarise} after the backward pass, and then, if there were any examples,
 *   <li>{@link #combine},
 *   <li>the model's own updater, if it {@link #updatesHere},
 *   <li>{@link #afterStep}.
 * </ol>
 *
 * <p>Strategies that are not {@link #inLockStep} leave each rank its own steps: it may take more or fewer than others.
 */
public interface UpdateStrategy {

    /** One word for reports, as on the command line: {@code allreduce}. */
    String name();

    /** Name and settings, which must be the same on all ranks. */
    default String description() {
        return name();
    }

    /** Whether all ranks have the same parameters and updater state, bit for bit, after every step. */
    boolean keepsReplicasIdentical();

    /** Whether all ranks take each step together. If not, a summary is of this rank alone. */
    default boolean inLockStep() {
        return true;
    }

    /**
     * Whether the model's updater turns gradient sums into an update on this rank. If not, {@link #combine} is given mean
     * gradients, and new parameters come by {@link #beforeStep}.
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

    /** Begins or continues training at this rank's step {@code step}. */
    default void resume(TrainableModel model, long step) {}

    /** Brings the parameters with which to compute a step. */
    default void beforeStep(TrainableModel model, long step) {}

    /** Adds up what the ranks bring to a step. All ranks get the same answer, and so take the same decisions. */
    StepSummary summarise(StepSummary own, long step);

    /**
     * Does with the gradients what is to be done: in lock step, replaces this rank's sums by those over all ranks, in place.
     *
     * @param total what {@link #summarise} has returned
     */
    void combine(TrainableModel model, StepSummary total, long step);

    /**
     * Whether {@link #combine(TrainableModel, Bucket, long)} can be called for each bucket as soon as it is complete, while the
     * backward pass goes on. It is then called instead of the other, before {@link #summarise}, on a thread of the trainer's while
     * that makes no other call.
     */
    default boolean combinesBuckets() {
        return false;
    }

    /** Replaces this rank's sums in one bucket by those over all ranks. All ranks do so for all buckets, in the plan's order. */
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
