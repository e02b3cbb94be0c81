package io.gyre.training;

import io.gyre.World;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import java.util.List;

/**
 * How gradients are reduced over ranks: one half of an {@link UpdateStrategy}.
 *
 * <dl>
 *   <dt>Order
 *   <dd>All {@link #ranks} call the same methods in the same order, with the same steps and buckets.
 *   <dt>Threading
 *   <dd>One thread at a time. {@link #reduce} may be called on another thread, while the first makes no call.
 *   <dt>Failure
 *   <dd>As for the collective: {@link io.gyre.PeerLostException}, {@link io.gyre.PeerTimeoutException}.
 * </dl>
 */
public interface GradientReduction {

    /**
     * The ranks that take each step together with this one, including itself: their gradients are added up, and a
     * summary covers them.
     *
     * @param world all ranks that train
     */
    List<Integer> ranks(World world);

    /**
     * Whether a step is local: its gradients are added up over the {@link #equalRanks} only, who apply them to their
     * replicas. Its summary covers all {@link #ranks} nevertheless.
     */
    default boolean isLocal(long step) {
        return false;
    }

    /**
     * The ranks whose replicas are equal between any two steps, including this one: all in step, or with local steps
     * those who add up their gradients in these too.
     *
     * @return by index among the {@link #ranks}
     */
    default List<Integer> equalRanks(World world) {
        return ranks(world);
    }

    /**
     * Allocates memory for gradients from which they are reduced fastest. All {@link #ranks} call it together, before
     * {@link #start}; the caller closes it.
     *
     * @param byteLength the same on all ranks
     */
    MemoryBox allocate(long byteLength);

    /**
     * Gives the state of one replica to all.
     *
     * @param source the one that has it: index among the {@link #ranks}, or, if a process holds several of them, among
     *     the processes in the order of their lowest ranks
     */
    void start(TrainableModel model, int source);

    /**
     * Gives the contents of memory to all ranks in step, as {@link #start} does with the state of a replica.
     *
     * @param memory the same lengths on all of them
     * @param source as for {@link #start}
     */
    default void give(List<Region> memory, int source) {
        throw new UnsupportedOperationException("this reduction is not for ranks that take each step together");
    }

    /** Whether it takes part for each of the {@linkplain io.gyre.session.Session#seats seats} of this process. */
    default boolean coversSeats() {
        return false;
    }

    /**
     * Keeps the sums of a seat that are in the model's gradients, which the pass of the next seat overwrites. The sums
     * of the last seat stay there.
     *
     * @param seat its index among those of this process
     */
    default void keep(TrainableModel model, int seat) {
        throw new UnsupportedOperationException("this reduction is for processes that hold one rank each");
    }

    /**
     * Replaces this rank's sums in one bucket with those over all {@link #ranks}, in place. With several seats, the
     * sums of those that are {@linkplain #keep kept} are reduced too.
     */
    void reduce(TrainableModel model, Bucket bucket, long step);

    /**
     * Gathers the reports of all {@link #ranks} on a step. All get the same summary, and so take the same decisions.
     */
    StepSummary summarise(StepReport own, long step);

    /** As {@link #summarise(StepReport, long)}, with the report of each seat of this process. */
    default StepSummary summarise(List<StepReport> ofSeats, long step) {
        return summarise(ofSeats.get(0), step);
    }
}
