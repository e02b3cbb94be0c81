package io.gyre.dl4j;

import io.gyre.allreduce.Collectives;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.session.Groups;
import io.gyre.session.Session;
import io.gyre.training.LocalSteps;
import io.gyre.training.Synchronous;
import io.gyre.training.UpdateStrategy;
import java.util.Objects;
import java.util.function.Function;

/**
 * The strategy of local steps that options name, with the collectives that it needs: for {@link
 * TrainerBuilder#strategy}. Close it after the trainer.
 *
 * <pre>{@code
 * StrategyOptions options = StrategyOptions.builder(Kind.DILOCO).period(50).build();
 * try (LocalStrategy local = LocalStrategy.open(options, session, Collectives::choose);
 *         DistributedTrainer trainer = DistributedTrainer.builder(model, session).strategy(local.strategy()).build()) {
 *     trainer.fit(data, epochs);
 * }
 * }</pre>
 */
public final class LocalStrategy implements AutoCloseable {

    private final Opened opened;
    private final UpdateStrategy strategy;
    private final Groups groups;

    private LocalStrategy(
            StrategyOptions options, Session session, Function<Endpoint, Collective> ofGroup, Opened opened) {
        this.opened = opened;
        groups = options.groups(session);
        if (groups.count() == 1) {
            strategy = new Synchronous(open(ofGroup.apply(session.endpoint())));
            return;
        }
        Collective all = open(Collectives.choose(session.endpoint()));
        strategy = groups.count() == session.world().size()
                ? LocalSteps.of(Objects.requireNonNull(options.local()), all)
                : LocalSteps.inGroups(
                        Objects.requireNonNull(options.local()),
                        all,
                        open(ofGroup.apply(
                                session.group(groups.of(session.world().rank())).endpoint())),
                        groups);
    }

    /**
     * Creates the strategy of one rank. All ranks call it together, with the same options.
     *
     * @param options with {@link StrategyOptions#hasLocalSteps local steps}
     * @param session of all ranks; borrowed
     * @param ofGroup creates the collective of this rank's group, with which it adds up gradients
     */
    public static LocalStrategy open(StrategyOptions options, Session session, Function<Endpoint, Collective> ofGroup) {
        Opened opened = new Opened();
        try {
            return new LocalStrategy(options, session, ofGroup, opened);
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    private Collective open(Collective collective) {
        opened.onClose(collective::close);
        return collective;
    }

    /** The strategy; with one group of all ranks this is {@link Synchronous}. Valid until this is closed. */
    public UpdateStrategy strategy() {
        return strategy;
    }

    /** The ranks whose replicas are equal after every step. */
    public Groups groups() {
        return groups;
    }

    /** Closes the collectives. A second call does nothing. */
    @Override
    public void close() {
        opened.close();
    }
}
