package io.gyre.samples.train;

import io.gyre.dl4j.Parameters;
import io.gyre.paramserver.AsynchronousParallel;
import io.gyre.paramserver.BulkSynchronous;
import io.gyre.paramserver.Consistency;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.StaleSynchronous;
import io.gyre.samples.train.TrainOptions.Strategy;
import io.gyre.session.Groups;
import io.gyre.transport.TransportMode;
import java.util.List;
import java.util.Locale;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code gyre train} for servers, and for groups with servers between them. */
final class ServerOptions {

    /** They are processes of one host: a larger number is a typing error. */
    private static final int MOST_SERVERS = 256;

    private static final String DEFAULT_STALENESS = "3";

    /** The strategy between the groups of hybrid. */
    enum Between {
        ELASTIC,
        PARAMSERVER;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Option(
            names = "--servers",
            paramLabel = "K",
            description =
                    "For paramserver, elastic and hybrid: this many more processes hold the parameters, and the run outlives a"
                            + " rank that is lost. Default: 0, every rank holds a part.")
    private @Nullable Integer servers;

    @Option(
            names = "--restarts",
            paramLabel = "N",
            description =
                    "For paramserver and elastic with --servers: a rank that is lost is started again and comes back, up to so many"
                            + " times each. Default: 0.")
    private @Nullable Integer restarts;

    @Option(
            names = "--staleness",
            paramLabel = "S",
            description =
                    "For paramserver, and hybrid with it: most steps that a rank may be ahead of the slowest; bsp or 0 to go in"
                            + " step, asp for no bound. Default: 3.")
    private @Nullable String staleness;

    @Option(
            names = "--period",
            paramLabel = "STEPS",
            description =
                    "For elastic, and hybrid with it: steps from one exchange with the centre to the next. Default: 1.")
    private @Nullable Integer period;

    @Option(
            names = "--alpha",
            paramLabel = "RATE",
            description =
                    "For elastic, and hybrid with it: moving rate, between 0 and 1. Default: 0.9 / number of ranks, or of groups.")
    private @Nullable Double movingRate;

    @Option(
            names = "--groups",
            paramLabel = "G",
            description =
                    "For hybrid: divide the ranks into so many groups, which train in step. Default: the ranks of a host are a"
                            + " group.")
    private @Nullable Integer groups;

    @Option(
            names = "--between",
            paramLabel = "WORD",
            converter = Word.OfBetween.class,
            description = "For hybrid: what is between the groups, elastic or paramserver. Default: elastic.")
    private @Nullable Between between;

    /**
     * Fails if the options contradict each other.
     *
     * @throws IllegalArgumentException with the option and its value
     */
    void check(Strategy strategy, int ranks, TransportMode transport) {
        checkBelongs("--servers", servers, strategy, Strategy.PARAMSERVER, Strategy.ELASTIC, Strategy.HYBRID);
        checkBelongs("--restarts", restarts, strategy, Strategy.PARAMSERVER, Strategy.ELASTIC);
        checkBelongs("--groups", groups, strategy, Strategy.HYBRID);
        checkBelongs("--between", between, strategy, Strategy.HYBRID);
        checkBelongs("--staleness", staleness, strategy, Strategy.PARAMSERVER, Strategy.HYBRID);
        checkBelongs("--period", period, strategy, Strategy.ELASTIC, Strategy.HYBRID);
        checkBelongs("--alpha", movingRate, strategy, Strategy.ELASTIC, Strategy.HYBRID);
        if (strategy == Strategy.HYBRID) {
            checkBetween("--staleness", staleness, Between.PARAMSERVER);
            checkBetween("--period", period, Between.ELASTIC);
            checkBetween("--alpha", movingRate, Between.ELASTIC);
            boolean sharesMemory = transport == TransportMode.AUTO || transport == TransportMode.SHM;
            if (groups == null && !sharesMemory) {
                throw new IllegalArgumentException("--strategy hybrid --transport " + transport
                        + ": ranks that share no memory make no groups by themselves: give --groups G");
            }
        }
        TrainOptions.checkRange("--servers", servers(), 0, MOST_SERVERS);
        checkRestarts(strategy);
        TrainOptions.checkRange("--period", period(), 1, 1_000_000);
        TrainOptions.checkRange("--groups", groups == null ? 1 : groups, 1, ranks);
        Double rate = movingRate;
        if (rate != null && !(rate > 0 && rate < 1)) {
            throw new IllegalArgumentException("--alpha " + rate + ": expected a number between 0 and 1");
        }
        consistency();
    }

    private static void checkBelongs(String option, @Nullable Object value, Strategy strategy, Strategy... owners) {
        if (value != null && !List.of(owners).contains(strategy)) {
            throw new IllegalArgumentException(
                    option + " " + value + " belongs to " + List.of(owners) + ", not to --strategy " + strategy);
        }
    }

    private void checkRestarts(Strategy strategy) {
        TrainOptions.checkRange("--restarts", restarts(), 0, 100);
        if (restarts() > 0 && servers() == 0) {
            throw new IllegalArgumentException("--restarts " + restarts()
                    + " needs --servers K: a rank that holds a part of the parameters is lost with it");
        }
        if (restarts() > 0 && isBulkSynchronous(strategy)) {
            throw new IllegalArgumentException("--restarts " + restarts()
                    + " with --staleness bsp: a run in step ends when a rank is lost; use a number of steps or asp");
        }
    }

    private void checkBetween(String option, @Nullable Object value, Between owner) {
        if (value != null && between() != owner) {
            throw new IllegalArgumentException(
                    option + " " + value + " belongs to --between " + owner + ", not to --between " + between());
        }
    }

    /** Number of processes that only hold parameters. */
    int servers() {
        return servers == null ? 0 : servers;
    }

    /** How often a lost rank is restarted. */
    int restarts() {
        return restarts == null ? 0 : restarts;
    }

    Between between() {
        return between == null ? Between.ELASTIC : between;
    }

    int period() {
        return period == null ? 1 : period;
    }

    double movingRate(ParameterService service) {
        return movingRate == null ? Parameters.defaultMovingRate(service) : movingRate;
    }

    /**
     * The consistency of the parameter server.
     *
     * @throws IllegalArgumentException if the option's value is unknown
     */
    Consistency consistency() {
        String word = staleness == null ? DEFAULT_STALENESS : staleness.toLowerCase(Locale.ROOT);
        return switch (word) {
            case "bsp", "0" -> new BulkSynchronous();
            case "asp" -> new AsynchronousParallel();
            default -> {
                if (!word.matches("\\d{1,6}")) {
                    throw new IllegalArgumentException(
                            "--staleness " + word + ": expected a number of steps, bsp or asp");
                }
                yield new StaleSynchronous(Integer.parseInt(word));
            }
        };
    }

    /** Whether servers apply gradients; otherwise they hold a centre. */
    boolean serversTrain(Strategy strategy) {
        return strategy == Strategy.PARAMSERVER || (strategy == Strategy.HYBRID && between() == Between.PARAMSERVER);
    }

    /** Whether all ranks are in lockstep after all, so that equal shares of the data serve as well. */
    boolean isBulkSynchronous(Strategy strategy) {
        return serversTrain(strategy) && consistency() instanceof BulkSynchronous;
    }

    /** Describes the model with which a run ends. */
    String result(Strategy strategy, Groups made) {
        if (strategy == Strategy.ALLREDUCE || (strategy == Strategy.HYBRID && made.count() == 1)) {
            return "the replica of every rank";
        }
        return serversTrain(strategy) ? "the parameters on the servers" : "the centre of elastic averaging";
    }

    /** The options of the service for a strategy. */
    ParameterService.Builder configure(ParameterService.Builder builder, Strategy strategy, Model model) {
        builder.servers(servers());
        if (serversTrain(strategy)) {
            builder.training(Parameters.training(model, consistency()));
        }
        if (strategy == Strategy.HYBRID) {
            Integer number = groups;
            return number == null ? builder.groupsByHost() : builder.groups(number);
        }
        return builder;
    }
}
