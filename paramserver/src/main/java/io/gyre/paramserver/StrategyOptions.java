package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.OptionRange;
import io.gyre.network.Collective;
import io.gyre.training.ElasticAveraging;
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
 * @param groups for {@link Kind#HYBRID}: number of groups; 0 for one group per host
 * @param consistency for servers that train
 * @param period for elastic averaging: steps from one exchange with the centre to the next
 * @param movingRate for elastic averaging; null for {@link ElasticAveraging#defaultMovingRate}
 */
public record StrategyOptions(
        Kind kind,
        Kind between,
        int servers,
        int groups,
        Consistency consistency,
        int period,
        @Nullable Double movingRate) {

    /** The strategies, by their words. */
    public enum Kind {
        /** {@link io.gyre.training.Synchronous}; has no servers. */
        ALLREDUCE,
        /** {@link io.gyre.training.ParameterServer}. */
        PARAMSERVER,
        /** {@link ElasticAveraging}. */
        ELASTIC,
        /** {@link io.gyre.training.Hybrid}. */
        HYBRID;

        /** The strategies that can connect groups. */
        public static final List<Kind> BETWEEN_GROUPS = List.of(ELASTIC, PARAMSERVER);

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
            return name().toLowerCase(Locale.ROOT);
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
     * Fails if a lost rank could not be restarted.
     *
     * @param restarts how often it would be
     * @throws IllegalArgumentException with the option
     */
    public void checkRestarts(int restarts) {
        checkBelongs("--restarts", restarts, kind, Kind.PARAMSERVER, Kind.ELASTIC);
        if (restarts == 0) {
            return;
        }
        if (servers == 0) {
            throw new IllegalArgumentException("--restarts " + restarts
                    + " needs --servers K: a rank that holds a part of the parameters is lost with it");
        }
        if (isBulkSynchronous()) {
            throw new IllegalArgumentException("--restarts " + restarts
                    + " with --staleness bsp: a run in lockstep ends when a rank is lost; use a number of steps or"
                    + " asp");
        }
    }

    /**
     * Sets the options of a service for this strategy, which is not {@link Kind#ALLREDUCE}.
     *
     * @param training how servers train with a consistency; called only if they do
     */
    public ServiceBuilder configure(ServiceBuilder builder, Function<Consistency, Training> training) {
        builder.servers(servers);
        if (serversTrain()) {
            builder.training(training.apply(consistency));
        }
        if (kind == Kind.HYBRID) {
            return groups == 0 ? builder.groupsByHost() : builder.groups(groups);
        }
        return builder;
    }

    /**
     * Creates the strategy, which is not {@link Kind#ALLREDUCE}. All workers call this together.
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

    private static void checkBelongs(String option, @Nullable Object value, Kind kind, Kind... owners) {
        if (value != null && !List.of(owners).contains(kind)) {
            throw new IllegalArgumentException(
                    option + " " + value + " belongs to " + List.of(owners) + ", not to --strategy " + kind);
        }
    }

    /** Collects options; every setter takes null for the default, and returns the builder. */
    public static final class Builder {

        /** A larger number is a typing error. */
        private static final int MOST_SERVERS = 256;

        private static final String DEFAULT_STALENESS = "3";

        private final Kind kind;
        private @Nullable Kind between;
        private @Nullable Integer servers;
        private @Nullable Integer groups;
        private @Nullable String staleness;
        private @Nullable Integer period;
        private @Nullable Double movingRate;

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

        /** Steps from one exchange with the centre to the next. Default 1. */
        public Builder period(@Nullable Integer value) {
            period = value;
            return this;
        }

        /** Moving rate, above 0 and below 1. Default {@link ElasticAveraging#defaultMovingRate}. */
        public Builder movingRate(@Nullable Double value) {
            movingRate = value;
            return this;
        }

        /**
         * Validates and returns the options.
         *
         * @throws IllegalArgumentException with the option and its value, if it is out of range or belongs to another
         *     strategy
         */
        public StrategyOptions build() {
            checkBelongs("--servers", servers, kind, Kind.PARAMSERVER, Kind.ELASTIC, Kind.HYBRID);
            checkBelongs("--groups", groups, kind, Kind.HYBRID);
            checkBelongs("--between", between, kind, Kind.HYBRID);
            checkBelongs("--staleness", staleness, kind, Kind.PARAMSERVER, Kind.HYBRID);
            checkBelongs("--period", period, kind, Kind.ELASTIC, Kind.HYBRID);
            checkBelongs("--alpha", movingRate, kind, Kind.ELASTIC, Kind.HYBRID);
            Kind connecting = between == null ? Kind.ELASTIC : between;
            if (!Kind.BETWEEN_GROUPS.contains(connecting)) {
                throw new IllegalArgumentException(
                        "--between " + connecting + ": expected one of " + Kind.BETWEEN_GROUPS);
            }
            if (kind == Kind.HYBRID) {
                checkBetween("--staleness", staleness, connecting, Kind.PARAMSERVER);
                checkBetween("--period", period, connecting, Kind.ELASTIC);
                checkBetween("--alpha", movingRate, connecting, Kind.ELASTIC);
            }
            int dedicated = servers == null ? 0 : servers;
            OptionRange.check("--servers", dedicated, 0, MOST_SERVERS);
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
                    kind, connecting, dedicated, groups == null ? 0 : groups, consistency, steps, rate);
        }

        private static void checkBetween(String option, @Nullable Object value, Kind connecting, Kind owner) {
            if (value != null && connecting != owner) {
                throw new IllegalArgumentException(
                        option + " " + value + " belongs to --between " + owner + ", not to --between " + connecting);
            }
        }
    }
}
