package io.gyre.training;

import io.gyre.session.Session;
import java.util.function.IntSupplier;

/**
 * The strategy of a run whose processes may change: made anew for each {@link io.gyre.session.Generation}, from the
 * all-reduce among its ranks. What is to last longer, such as a connection to servers, belongs to this object.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The thread that trains.
 *   <dt>Failure
 *   <dd>As for the strategies. If another process of the generation is lost meanwhile, {@link #begin} fails as a wait
 *       for it does, and is called again in the next generation.
 * </dl>
 */
public interface GenerationStrategy {

    /**
     * Makes the strategy of a generation. All its processes call it together.
     *
     * @param inGroup all-reduce among the ranks of the generation; open until after {@link #end}
     * @param session of the generation; borrowed until {@link #end}
     * @param hasState whether a process has the state of the training, which all are about to get
     * @param calls number of calls that the program has completed and that all processes make together: the same at the
     *     same place of the program, in every process and group
     */
    UpdateStrategy begin(Synchronous inGroup, Session session, boolean hasState, IntSupplier calls);

    /**
     * The generation has ended, or will not begin: when this returns, nothing uses its memory any more. Called before
     * its memory is freed, also after a failure.
     */
    void end();
}
