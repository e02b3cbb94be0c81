package io.gyre;

/**
 * How ranks turn their gradients into a common model.
 *
 * <p>The trainer calls, on one thread: {@link #start} once; then for each step {@link #summarise} and, if there were any
 * examples, {@link #combine}, between the backward pass and the updater.
 */
public interface UpdateStrategy {

    /** One word for reports, as on the command line: {@code allreduce}. */
    String name();

    /** Whether all ranks have the same parameters and updater state, bit for bit, after every step. */
    boolean keepsReplicasIdentical();

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

    /** Adds up what the ranks bring to a step. All ranks get the same answer, and so take the same decisions. */
    StepSummary summarise(StepSummary own, long step);

    /** Replaces this rank's gradient sum by the sum over all ranks, in place. */
    void combine(TrainableModel model, long step);
}
