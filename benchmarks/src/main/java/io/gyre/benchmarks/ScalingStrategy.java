package io.gyre.benchmarks;

import io.gyre.ElementType;
import io.gyre.allreduce.Collectives;
import io.gyre.network.Collective;
import io.gyre.paramserver.AsynchronousParallel;
import io.gyre.paramserver.GradientDescent;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.Training;
import io.gyre.session.Groups;
import io.gyre.session.Session;
import io.gyre.training.Asynchronous;
import io.gyre.training.ElasticAveraging;
import io.gyre.training.Hybrid;
import io.gyre.training.SharedVector;
import io.gyre.training.Synchronous;
import io.gyre.training.UpdateStrategy;
import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A strategy to measure, with the settings of {@code gyre train}.
 *
 * @param kind which
 * @param period steps from one exchange with the centre to the next; 1 for strategies without a centre
 */
record ScalingStrategy(Kind kind, int period) {

    /** Names as on the command line of {@code gyre train}. */
    enum Kind {
        ALLREDUCE,
        PARAMSERVER,
        ELASTIC,
        HYBRID;

        /** Whether groups are pulled towards a common centre every few steps. */
        boolean hasCentre() {
            return this == ELASTIC || this == HYBRID;
        }
    }

    /** Timeout of a server, in the time of the simulated hosts. */
    private static final Duration RETRY = Duration.ofSeconds(5);

    private static final byte[] NOTHING = {};

    /** Code that uses a strategy. */
    interface Use {
        void with(UpdateStrategy strategy);
    }

    /**
     * Creates the strategy on one rank, as training does, and releases it afterwards. All ranks call this together.
     *
     * @param dilation factor by which real time is slower than simulated time
     * @param use called once, with the strategy
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
        } else if (kind == Kind.HYBRID) {
            builder.groupsByHost();
        }
        try (ParameterService service = builder.start();
                Collective group = Collectives.choose(service.group().endpoint())) {
            use.with(strategy(service, group, options.bytes() / Float.BYTES));
            session.exchange("the end", NOTHING);
        }
    }

    private UpdateStrategy strategy(ParameterService service, Collective group, long elements) {
        Groups groups = service.groups();
        double movingRate = ElasticAveraging.defaultMovingRate(groups.count());
        return switch (kind) {
            case ALLREDUCE -> new Synchronous(group);
            case PARAMSERVER ->
                new Asynchronous(
                        service.parameters("parameters", ElementType.FLOAT32, elements), service.description());
            case ELASTIC -> new ElasticAveraging(centre(service, elements), movingRate, period);
            // As in training: a single group has no other to exchange with.
            case HYBRID ->
                groups.count() == 1
                        ? new Synchronous(group)
                        : Hybrid.elastic(
                                groups,
                                service.workers().world().rank(),
                                group,
                                service.isLead() ? centre(service, elements) : null,
                                movingRate,
                                period,
                                service::outliveThis);
        };
    }

    private static SharedVector centre(ParameterService service, long elements) {
        return service.centre("centre", ElementType.FLOAT32, elements);
    }

    /** As written on the command line: {@code elastic:4}. */
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
                    "'" + text + "' is none of allreduce, paramserver, elastic, hybrid, elastic:PERIOD, hybrid:PERIOD");
        }

        private static ScalingStrategy of(Kind kind, @Nullable String period, String text) {
            if (period != null && !kind.hasCentre()) {
                throw new TypeConversionException("'" + text + "': only elastic and hybrid have a period");
            }
            return new ScalingStrategy(kind, period == null ? 1 : Integer.parseInt(period));
        }
    }
}
