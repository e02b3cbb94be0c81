package io.gyre.training;

import io.gyre.network.Collective;
import java.util.stream.IntStream;

/**
 * Synchronous data-parallel training: in every step all ranks add up their gradients and apply the same update. So
 * their parameters stay bit-identical, and equal those of one process with the whole batch, within rounding error.
 */
public final class Synchronous extends ComposedStrategy {

    /**
     * Creates the strategy for one rank.
     *
     * @param collective of all ranks, with the same algorithm on all of them; borrowed
     */
    public Synchronous(Collective collective) {
        super(
                "allreduce",
                "allreduce",
                new AllReduction(
                        collective,
                        IntStream.range(0, collective.world().size()).boxed().toList()),
                new LocalUpdate());
    }
}
