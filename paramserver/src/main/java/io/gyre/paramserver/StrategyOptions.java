package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.OptionRange;
import io.gyre.network.Collective;
import io.gyre.session.Groups;
import io.gyre.session.Session;
import io.gyre.training.ElasticAveraging;
import io.gyre.training.LocalSettings;
import io.gyre.training.UpdateStrategy;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A strategy, named by a word, and its options. Knows which options belong to which strategy, and creates the service
 * and the strategy from them. Errors name an option as {@code gyre train} does.
 *
 * <pre>{@code
 * StrategyOptions options = StrategyOptions.builder(Kind.of("hybrid")).between(Kind.ELASTIC).period(4).build();
 * try (ParameterService service = options.configure(ParameterService.builder(session), training).start();
 *         Collective group = Collectives.choose(service.group().endpoint())) {
 *     UpdateStrategy strategy = options.create(service, ElementType.FLOAT32, elements, group);
 *     ...
 * }
 * }</pre>
 *
 * @param kind the strategy
 * @param between for {@link Kind#HYBRID}: the strategy between the groups
 * @param servers number of ranks that only serve; 0 if every rank serves and works
 * @param backups of each shard, on another server: 0 or 1
 * @param groups for {@link Kind#HYBRID}: number of groups; 0 for one group per host
 * @param consistency for servers that train
 * @param period for elastic averaging: steps from one exchange with the centre to the next
 * @param movingRate for elastic averaging; null for {@link ElasticAveraging#defaultMovingRate}
 * @param local the settings of local steps; null without such
 */
public record StrategyOptions(
        Kind kind,
        Kind between,
        int servers,
        int backups,
        int groups,
        Consistency consistency,
        int period,
        @Nullable Double movingRate,
        @Nullable LocalSettings local) {

    /** The strategies, by their words. */
    public enum Kind {
        /** {@link io.gyre.training.Synchronous}; has no servers. */
        ALLREDUCE,
        /** {@link io.gyre.training.ParameterServer}. */
        PARAMSERVER,
        /** {@link ElasticAveraging}. */
        ELASTIC,
        /** {@link io.gyre.training.Hybrid}; or {@link io.gyre.training.LocalSteps} between groups. */
        HYBRID,
        /** {@link io.gyre.training.LocalSteps}, synchronised to their mean; has no servers. */
        POST_LOCAL,
        /** {@link io.gyre.training.LocalSteps} with an outer update; has no servers. */
        DILOCO;

        /** The strategies that can connect groups. */
        public static final List<Kind> BETWEEN_GROUPS = List.of(ELASTIC, PARAMSERVER, POST_LOCAL, DILOCO);

        /**
         * The strategy that a word names.
         *
         * @throws IllegalArgumentException with the words that exist
         */
        public static Kind of(String word) {
            return Arrays.stream(values())
                    .filter(kind -> kind.toString().equals(word))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("'" + word + "' is none of "
                            + Arrays.stream(values()).map(Kind::toString).collect(Collectors.joining(", "))));
        }

        /** The word. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** Creates a builder with the defaults. */
    public static Builder builder(Kind kind) {
        return new Builder(kind);
    }

    /** Whether servers apply gradients; otherwise they hold a centre, or there are none. */
    public boolean serversTrain() {
        return kind == Kind.PARAMSERVER || (kind == Kind.HYBRID && between == Kind.PARAMSERVER);
    }

    /** Whether ranks, or groups, are pulled towards a centre. */
    public boolean hasCentre() {
        return kind == Kind.ELASTIC || (kind == Kind.HYBRID && between == Kind.ELASTIC);
    }

    /** Whether ranks, or groups, take local steps: there are no servers then. */
    public boolean hasLocalSteps() {
        return local != null;
    }

    /** Whether there is a {@link ParameterService}. */
    public boolean hasService() {
        return kind != Kind.ALLREDUCE && local == null;
    }

    /** Whether the servers keep all ranks in lockstep. */
    public boolean isBulkSynchronous() {
        return serversTrain() && consistency instanceof BulkSynchronous;
    }

    /**
     * Fails if the ranks cannot be divided as the options say.
     *
     * @param ranks number of workers
     * @param shareMemory whether the ranks of a host share memory
     * @throws IllegalArgumentException with the option
     */
    public void checkGroups(int ranks, boolean shareMemory) {
        if (kind != Kind.HYBRID) {
            return;
        }
        if (groups > 0) {
            OptionRange.check("--groups", groups, 1, ranks);
        } else if (!shareMemory) {
            throw new IllegalArgumentException("--strategy " + kind
                    + ": ranks that share no memory make no groups by themselves: give --groups G");
        }
    }

    /**
     * How the ranks of a session without servers are divided: into groups whose replicas are equal. All ranks call it
     * together.
     */
    public Groups groups(Session session) {
        int ranks = session.world().size();
        if (kind != Kind.HYBRID) {
            return Groups.ofOneRank(ranks);
        }
        return groups == 0 ? Groups.byHost(session, ranks) : Groups.of(ranks, groups);
    }

    /**
     * Fails if a lost rank could not be restarted.
     *
     * @param restarts how often it would be
     * @throws IllegalArgumentException with the option
     */
    public void checkRestarts(int restarts) {
        if (hasLocalSteps() || kind == Kind.ALLREDUCE) {
            throw new IllegalArgumentException("--restarts " + restarts + " with --strategy " + kind
                    + ": without servers, all ranks of a run end when one is lost. Keep checkpoints, to which the run"
                    + " goes back");
        }
        if (restarts == 0) {
            return;
        }
        if (kind == Kind.HYBRID && backups == 0) {
            throw new IllegalArgumentException("--restarts " + restarts + " with --strategy " + kind
                    + ": a group ends when it loses a rank, and the run when it loses a server. Give --backups 1, with"
                    + " which a server comes back, or keep checkpoints, to which the run goes back");
        }
        if (servers == 0) {
            throw new IllegalArgumentException("--restarts " + restarts
                    + " needs --servers K: a rank that holds a part of the parameters is lost with it");
        }
        if (isBulkSynchronous() && backups == 0) {
            throw new IllegalArgumentException("--restarts " + restarts
                    + " with --staleness bsp: a run in lockstep ends when a rank is lost; use a number of steps or"
                    + " asp");
        }
    }

    /**
     * Sets the options of a service for this strategy, which {@linkplain #hasService has one}.
     *
     * @param training how servers train with a consistency; called only if they do
     */
    public ServiceBuilder configure(ServiceBuilder builder, Function<Consistency, Training> training) {
        builder.servers(servers).backups(backups);
        if (serversTrain()) {
            builder.training(training.apply(consistency));
        }
        if (kind == Kind.HYBRID) {
            return groups == 0 ? builder.groupsByHost() : builder.groups(groups);
        }
        return builder;
    }

    /**
     * Creates the strategy, which {@linkplain #hasService has a service}. All workers call this together.
     *
     * @param service {@link #configure configured} by these options
     * @param elements number of parameters
     * @param group for {@link Kind#HYBRID}: collective of this rank's {@link ParameterService#group}; borrowed
     */
    public UpdateStrategy create(
            ParameterService service, ElementType type, long elements, @Nullable Collective group) {
        ServerStrategies strategies = new ServerStrategies(service, type, elements);
        double rate = movingRate == null
                ? ElasticAveraging.defaultMovingRate(service.groups().count())
                : movingRate;
        return switch (kind) {
            case ALLREDUCE -> throw new IllegalStateException("allreduce has no servers: create Synchronous instead");
            case POST_LOCAL, DILOCO ->
                throw new IllegalStateException(kind + " has no servers: create LocalSteps instead");
            case PARAMSERVER -> strategies.parameterServer();
            case ELASTIC -> strategies.elastic(period, rate);
            case HYBRID -> {
                if (group == null) {
                    throw new IllegalArgumentException("hybrid needs the collective of this rank's group");
                }
                yield between == Kind.PARAMSERVER
                        ? strategies.hybrid(group)
                        : strategies.hybridElastic(group, period, rate);
            }
        };
    }

    /** Collects options; every setter takes null for the default, and returns the builder. */
    public static final class Builder {

        /** A larger number is a typing error. */
        private static final int MOST_SERVERS = 256;

        private static final String DEFAULT_STALENESS = "3";

        private final Kind kind;
        private @Nullable Kind between;
        private @Nullable Integer servers;
        private @Nullable Integer backups;
        private @Nullable Integer groups;
        private @Nullable String staleness;
        private @Nullable Integer period;
        private @Nullable Double movingRate;
        private @Nullable Long localAfter;
        private @Nullable Integer fragments;
        private @Nullable Double outerRate;
        private @Nullable Double outerMomentum;
        private @Nullable Integer delay;

        private Builder(Kind kind) {
            this.kind = kind;
        }

        /** Strategy between groups, one of {@link Kind#BETWEEN_GROUPS}. Default {@link Kind#ELASTIC}. */
        public Builder between(@Nullable Kind value) {
            between = value;
            return this;
        }

        /** Number of ranks that only serve. Default 0: every rank serves and works. */
        public Builder servers(@Nullable Integer value) {
            servers = value;
            return this;
        }

        /** Backups of each shard, 0 or 1. Default 0. */
        public Builder backups(@Nullable Integer value) {
            backups = value;
            return this;
        }

        /** Number of groups. Default: the ranks of a host are a group. */
        public Builder groups(@Nullable Integer value) {
            groups = value;
            return this;
        }

        /** The word of a {@link Consistency}. Default 3 steps. */
        public Builder staleness(@Nullable String word) {
            staleness = word;
            return this;
        }

        /**
         * Steps from one exchange with the centre to the next. Default 1. Or from one synchronisation to the next.
         * Default {@link LocalSettings#POST_LOCAL_PERIOD} or {@link LocalSettings#DILOCO_PERIOD}.
         */
        public Builder period(@Nullable Integer value) {
            period = value;
            return this;
        }

        /** Moving rate, above 0 and below 1. Default {@link ElasticAveraging#defaultMovingRate}. */
        public Builder movingRate(@Nullable Double value) {
            movingRate = value;
            return this;
        }

        /** Synchronous steps before the first local one. Default {@link LocalSettings#POST_LOCAL_AFTER}. */
        public Builder localAfter(@Nullable Long value) {
            localAfter = value;
            return this;
        }

        /** Number of parts of the parameters that are synchronised at different steps. Default 1. */
        public Builder fragments(@Nullable Integer value) {
            fragments = value;
            return this;
        }

        /** Learning rate of the outer update. Default {@link LocalSettings#DILOCO_RATE}. */
        public Builder outerRate(@Nullable Double value) {
            outerRate = value;
            return this;
        }

        /** Nesterov momentum of the outer update. Default {@link LocalSettings#DILOCO_MOMENTUM}. */
        public Builder outerMomentum(@Nullable Double value) {
            outerMomentum = value;
            return this;
        }

        /** Steps by which the result of a synchronisation is late, 0 or 1. Default 0. */
        public Builder delay(@Nullable Integer value) {
            delay = value;
            return this;
        }

        /**
         * Validates and returns the options.
         *
         * @throws IllegalArgumentException with the option and its value, if it is out of range or belongs to another
         *     strategy
         */
        public StrategyOptions build() {
            OptionOwner.check("--servers", servers, kind, Kind.PARAMSERVER, Kind.ELASTIC, Kind.HYBRID);
            OptionOwner.check("--backups", backups, kind, Kind.PARAMSERVER, Kind.ELASTIC, Kind.HYBRID);
            OptionOwner.check("--groups", groups, kind, Kind.HYBRID);
            OptionOwner.check("--between", between, kind, Kind.HYBRID);
            OptionOwner.check("--staleness", staleness, kind, Kind.PARAMSERVER, Kind.HYBRID);
            OptionOwner.check("--period", period, kind, Kind.ELASTIC, Kind.POST_LOCAL, Kind.DILOCO, Kind.HYBRID);
            OptionOwner.check("--alpha", movingRate, kind, Kind.ELASTIC, Kind.HYBRID);
            OptionOwner.check("--local-after", localAfter, kind, Kind.POST_LOCAL, Kind.HYBRID);
            OptionOwner.check("--fragments", fragments, kind, Kind.DILOCO, Kind.HYBRID);
            OptionOwner.check("--outer-rate", outerRate, kind, Kind.DILOCO, Kind.HYBRID);
            OptionOwner.check("--outer-momentum", outerMomentum, kind, Kind.DILOCO, Kind.HYBRID);
            OptionOwner.check("--outer-delay", delay, kind, Kind.DILOCO, Kind.HYBRID);
            Kind connecting = between == null ? Kind.ELASTIC : between;
            if (!Kind.BETWEEN_GROUPS.contains(connecting)) {
                throw new IllegalArgumentException(
                        "--between " + connecting + ": expected one of " + Kind.BETWEEN_GROUPS);
            }
            if (kind == Kind.HYBRID) {
                OptionOwner.checkBetween("--staleness", staleness, connecting, Kind.PARAMSERVER);
                OptionOwner.checkBetween("--servers", servers, connecting, Kind.ELASTIC, Kind.PARAMSERVER);
                OptionOwner.checkBetween("--backups", backups, connecting, Kind.ELASTIC, Kind.PARAMSERVER);
                OptionOwner.checkBetween("--period", period, connecting, Kind.ELASTIC, Kind.POST_LOCAL, Kind.DILOCO);
                OptionOwner.checkBetween("--alpha", movingRate, connecting, Kind.ELASTIC);
                OptionOwner.checkBetween("--local-after", localAfter, connecting, Kind.POST_LOCAL);
                OptionOwner.checkBetween("--fragments", fragments, connecting, Kind.DILOCO);
                OptionOwner.checkBetween("--outer-rate", outerRate, connecting, Kind.DILOCO);
                OptionOwner.checkBetween("--outer-momentum", outerMomentum, connecting, Kind.DILOCO);
                OptionOwner.checkBetween("--outer-delay", delay, connecting, Kind.DILOCO);
            }
            int dedicated = servers == null ? 0 : servers;
            OptionRange.check("--servers", dedicated, 0, MOST_SERVERS);
            int copies = backups == null ? 0 : backups;
            OptionRange.check("--backups", copies, 0, 1);
            if (copies > 0 && dedicated < 2) {
                throw new IllegalArgumentException("--backups " + copies + " needs --servers 2 or more, not "
                        + dedicated + ": the two copies of a shard lie on two processes that only serve");
            }
            int steps = period == null ? 1 : period;
            OptionRange.check("--period", steps, 1, 1_000_000);
            if (groups != null) {
                OptionRange.check("--groups", groups, 1, Long.MAX_VALUE);
            }
            Double rate = movingRate;
            if (rate != null && !(rate > 0 && rate < 1)) {
                throw new IllegalArgumentException("--alpha " + rate + ": expected a number between 0 and 1");
            }
            Consistency consistency = Consistency.of(staleness == null ? DEFAULT_STALENESS : staleness);
            return new StrategyOptions(
                    kind,
                    connecting,
                    dedicated,
                    copies,
                    groups == null ? 0 : groups,
                    consistency,
                    steps,
                    rate,
                    LocalOptions.of(
                            kind == Kind.HYBRID ? connecting : kind,
                            localAfter,
                            period,
                            fragments,
                            outerRate,
                            outerMomentum,
                            delay));
        }
    }
}
