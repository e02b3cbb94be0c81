package io.gyre.benchmarks;

import io.gyre.Asynchronous;
import io.gyre.Collective;
import io.gyre.ElasticAveraging;
import io.gyre.ElementType;
import io.gyre.Session;
import io.gyre.Synchronous;
import io.gyre.UpdateStrategy;
import io.gyre.allreduce.Collectives;
import io.gyre.paramserver.AsynchronousParallel;
import io.gyre.paramserver.GradientDescent;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.Training;
import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A strategy as it is measured, with the settings of {@code gyre train}.
 *
 * @param kind which
 * @param period steps from one exchange with the centre to the next; 1 for strategies without a centre
 */
record ScalingStrategy(Kind kind, int period) {

    /** Names as on the command line of {@code gyre train}. */
    enum Kind {
        ALLREDUCE,
        PARAMSERVER,
        ELASTIC;

        /** Whether parameters end as what all gradients together have made of them, however they were combined. */
        boolean countsGradients() {
            return this != ELASTIC;
        }
    }

    /** How long a server may take is counted in the time of the simulated hosts. */
    private static final Duration RETRY = Duration.ofSeconds(5);

    private static final byte[] NOTHING = {};

    /** What is done with a strategy. */
    interface Use {
        void with(UpdateStrategy strategy);
    }

    /**
     * Makes it on one rank, as training does, and gives its parts back afterwards. All ranks call this together.
     *
     * @param dilation how much slower than simulated time runs
     * @param patience how long to wait for others
     */
    void use(Session session, ScalingOptions options, double dilation, Use use) {
        if (kind == Kind.ALLREDUCE) {
            try (Collective collective = Collectives.choose(session.endpoint())) {
                use.with(new Synchronous(collective));
            }
            return;
        }
        ParameterService.Builder builder = ParameterService.builder(session)
                .callTimeout(options.patience())
                .memoryLimit(options.memoryBytes())
                .retryAfter(Duration.ofNanos((long) (RETRY.toNanos() * Math.max(1, dilation))));
        if (kind == Kind.PARAMSERVER) {
            builder.training(new Training(new AsynchronousParallel(), new GradientDescent(1)));
        }
        try (ParameterService service = builder.start()) {
            use.with(strategy(service, options.bytes() / Float.BYTES));
            session.exchange("the end", NOTHING);
        }
    }

    private UpdateStrategy strategy(ParameterService service, long elements) {
        return kind == Kind.PARAMSERVER
                ? new Asynchronous(
                        service.parameters("parameters", ElementType.FLOAT32, elements), service.description())
                : new ElasticAveraging(
                        service.centre("centre", ElementType.FLOAT32, elements),
                        ElasticAveraging.defaultMovingRate(
                                service.workers().world().size()),
                        period);
    }

    /** As on the command line: {@code elastic:4}. */
    @Override
    public String toString() {
        String name = kind.name().toLowerCase(Locale.ROOT);
        return period == 1 ? name : name + ":" + period;
    }

    /** Reads one. */
    static final class Converter implements ITypeConverter<ScalingStrategy> {

        private static final Pattern FORM = Pattern.compile("([a-z]+)(?::([1-9][0-9]{0,5}))?");

        @Override
        public ScalingStrategy convert(String text) {
            Matcher parts = FORM.matcher(text);
            if (parts.matches()) {
                for (Kind kind : Kind.values()) {
                    if (kind.name().toLowerCase(Locale.ROOT).equals(parts.group(1))) {
                        return of(kind, parts.group(2), text);
                    }
                }
            }
            throw new TypeConversionException(
                    "'" + text + "' is none of allreduce, paramserver, elastic, elastic:PERIOD");
        }

        private static ScalingStrategy of(Kind kind, String period, String text) {
            if (period != null && kind != Kind.ELASTIC) {
                throw new TypeConversionException("'" + text + "': only elastic has a period");
            }
            return new ScalingStrategy(kind, period == null ? 1 : Integer.parseInt(period));
        }
    }
}
