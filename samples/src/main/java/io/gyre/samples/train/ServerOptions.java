package io.gyre.samples.train;

import io.gyre.paramserver.StrategyOptions;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code gyre train} for servers, groups and local steps, which {@link StrategyOptions} checks. */
final class ServerOptions {

    @Option(
            names = "--servers",
            paramLabel = "K",
            description =
                    "For paramserver, elastic and hybrid: number of additional processes that hold the parameters; the"
                            + " run then survives the loss of a rank. Default: 0, every rank holds a part.")
    private @Nullable Integer servers;

    @Option(
            names = "--backups",
            paramLabel = "N",
            description = "With two --servers or more: number of backups of each part of the parameters, 0 or 1. With 1"
                    + " a lost server loses no push, and the run goes on. Default: 0.")
    private @Nullable Integer backups;

    @Option(
            names = "--restarts",
            paramLabel = "N",
            description =
                    "Restart each lost process up to N times; it rejoins the run, or its group. If that is not possible,"
                            + " as for a server without a backup or a rank of post-local and diloco, the whole run goes"
                            + " back to its newest checkpoint, up to N times. For hybrid with --servers and --groups there are none, unless --checkpoint"
                            + " asks for them: then a rank of a group cannot rejoin. Default: 0.")
    private @Nullable Integer restarts;

    @Option(
            names = "--staleness",
            paramLabel = "S",
            description =
                    "For paramserver, and hybrid with it: most steps that a rank may be ahead of the slowest; bsp or 0"
                            + " for lockstep, asp for no bound. Default: 3.")
    private @Nullable String staleness;

    @Option(
            names = "--period",
            paramLabel = "STEPS",
            description =
                    "For elastic, post-local and diloco, and hybrid with one of them: steps from one exchange to the"
                            + " next. Default: 1, 8 and 50.")
    private @Nullable Integer period;

    @Option(
            names = "--alpha",
            paramLabel = "RATE",
            description =
                    "For elastic, and hybrid with it: moving rate, between 0 and 1. Default: 0.9 / number of ranks, or"
                            + " of groups.")
    private @Nullable Double movingRate;

    @Option(
            names = "--groups",
            paramLabel = "G",
            description =
                    "For hybrid: number of groups of ranks, each of which trains in lockstep. Default: one group per"
                            + " host.")
    private @Nullable Integer groups;

    @Option(
            names = "--between",
            paramLabel = "WORD",
            converter = Word.OfBetween.class,
            description = "For hybrid: the strategy between the groups: elastic, paramserver, post-local or diloco."
                    + " Default: elastic.")
    private StrategyOptions.@Nullable Kind between;

    @Option(
            names = "--local-after",
            paramLabel = "STEPS",
            description = "For post-local, and hybrid with it: synchronous steps before the first local one. Default:"
                    + " 100.")
    private @Nullable Long localAfter;

    @Option(
            names = "--fragments",
            paramLabel = "F",
            description = "For diloco, and hybrid with it: number of parts of the parameters, which are exchanged after"
                    + " different steps of a period. Default: 1.")
    private @Nullable Integer fragments;

    @Option(
            names = "--outer-rate",
            paramLabel = "RATE",
            description = "For diloco, and hybrid with it: learning rate of the outer update. Default: 0.7.")
    private @Nullable Double outerRate;

    @Option(
            names = "--outer-momentum",
            paramLabel = "M",
            description = "For diloco, and hybrid with it: Nesterov momentum of the outer update. Default: 0.9.")
    private @Nullable Double outerMomentum;

    @Option(
            names = "--outer-delay",
            paramLabel = "STEPS",
            description =
                    "For diloco, and hybrid with it: 1 to exchange while the next step computes, whose end is then"
                            + " the first to use the result. Default: 0.")
    private @Nullable Integer outerDelay;

    /**
     * The strategy with these options.
     *
     * @param goesBack whether there are checkpoints, so that a run may lose what no restarted rank can bring back
     * @throws IllegalArgumentException if they contradict each other, with the option and its value
     */
    StrategyOptions of(StrategyOptions.Kind strategy, boolean goesBack) {
        StrategyOptions options = StrategyOptions.builder(strategy)
                .servers(servers)
                .backups(backups)
                .groups(groups)
                .between(between)
                .staleness(staleness)
                .period(period)
                .movingRate(movingRate)
                .localAfter(localAfter)
                .fragments(fragments)
                .outerRate(outerRate)
                .outerMomentum(outerMomentum)
                .delay(outerDelay)
                .build();
        if (restarts != null && strategy != StrategyOptions.Kind.ALLREDUCE && !goesBack) {
            options.checkRestarts(restarts);
        }
        return options;
    }

    /** How often a lost rank is restarted. */
    int restarts() {
        return restarts == null ? 0 : restarts;
    }
}
