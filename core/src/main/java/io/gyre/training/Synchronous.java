package io.gyre.training;

import io.gyre.network.Collective;
import io.gyre.session.Session;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Synchronous data-parallel training: in every step all ranks add up their gradients and apply the same update. So
 * their parameters stay bit-identical, and equal those of one process with the whole batch, within rounding error.
 */
public final class Synchronous extends ComposedStrategy {

    private final Collective collective;

    /**
     * Creates the strategy for one rank.
     *
     * @param collective of all ranks, with the same algorithm on all of them; borrowed
     */
    public Synchronous(Collective collective) {
        this(
                collective,
                new AllReduction(
                        collective,
                        IntStream.range(0, collective.world().size()).boxed().toList()),
                new LocalUpdate());
    }

    /**
     * Creates the strategy for a process that may hold several ranks, one of all those of a run in which any does. It
     * takes part in every reduction once for each of its seats: the sums are those of one process for each rank.
     *
     * @param session of the process; borrowed
     * @param ofSeats collectives of all ranks, one for each seat, with the same algorithm on all ranks; borrowed
     * @param ofLeads collective of {@link Session#ofLeads}, for what is not a gradient; borrowed
     */
    public Synchronous(Session session, List<? extends Collective> ofSeats, Collective ofLeads) {
        this(ofLeads, new SeatedReduction(session, ofSeats, ofLeads), new LocalUpdate());
    }

    private Synchronous(Collective collective, GradientReduction reduction, ParameterExchange exchange) {
        super("allreduce", "allreduce", reduction, exchange);
        this.collective = collective;
    }

    /** The collective of all ranks; of all processes if any holds several. */
    public Collective collective() {
        return collective;
    }

    /**
     * This strategy, with an update that is divided: each rank of a group computes a chunk of it, and gets those of the
     * others. The parameters are the same, bit for bit. Ranks may have different groups, and some none.
     *
     * @param sharers collective of the group of this rank, which share the state of the model's updater; borrowed
     */
    public Synchronous sharded(Collective sharers) {
        return new Synchronous(collective, reduction(), new ChunkUpdate(sharers));
    }
}
