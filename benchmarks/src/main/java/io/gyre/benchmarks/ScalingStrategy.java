package io.gyre.benchmarks;

import io.gyre.ElementType;
import io.gyre.allreduce.Algorithm;
import io.gyre.allreduce.Collectives;
import io.gyre.kernel.Bfloat16Codec;
import io.gyre.kernel.Float16Codec;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.GradientCodecs;
import io.gyre.network.Collective;
import io.gyre.paramserver.GradientDescent;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.ServiceBuilder;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.paramserver.Training;
import io.gyre.session.Session;
import io.gyre.training.LocalSettings;
import io.gyre.training.LocalSteps;
import io.gyre.training.Synchronous;
import io.gyre.training.UpdateStrategy;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A strategy to measure, with the settings of {@code gyre train}.
 *
 * @param kind which
 * @param period steps from one exchange of parameters to the next; 1 for strategies that exchange in every step
 * @param codec of the gradients between hosts, as {@code --compress} takes it; null for none
 */
record ScalingStrategy(
        StrategyOptions.Kind kind, int period, @Nullable String codec) {

    /** Elements by which the length of what a codec sends is measured. */
    private static final int SAMPLE = 64 << 10;

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
        if (kind == StrategyOptions.Kind.ALLREDUCE) {
            try (Collective collective = Collectives.choose(session.endpoint(), Algorithm.AUTO, newCodec())) {
                use.with(new Synchronous(collective));
            }
            return;
        }
        StrategyOptions strategy = options();
        LocalSettings local = strategy.local();
        if (local != null) {
            try (Collective collective = Collectives.choose(session.endpoint())) {
                use.with(LocalSteps.of(local, collective));
            }
            return;
        }
        ServiceBuilder builder = strategy.configure(
                        ParameterService.builder(session),
                        consistency -> new Training(consistency, new GradientDescent(1)))
                .callTimeout(options.patience())
                .memoryLimit(options.memoryBytes())
                .retryAfter(Duration.ofNanos((long) (RETRY.toNanos() * Math.max(1, dilation))));
        try (ParameterService service = builder.start();
                Collective group = Collectives.choose(service.group().endpoint())) {
            use.with(strategy.create(service, ElementType.FLOAT32, options.bytes() / Float.BYTES, group));
            session.exchange("the end", NOTHING);
        }
    }

    private @Nullable GradientCodec newCodec() {
        return codec == null ? null : GradientCodecs.of(codec).get();
    }

    /** Bytes that a codec makes of a float of one rank, at most. */
    double bytesOfFloat() {
        GradientCodec made = newCodec();
        return made == null ? Float.BYTES : made.encodedBytes(SAMPLE) / (double) SAMPLE;
    }

    /** Whether the sums of small whole numbers are exact. */
    boolean isExact() {
        GradientCodec made = newCodec();
        return !hasPeriod() && (made == null || made instanceof Bfloat16Codec || made instanceof Float16Codec);
    }

    /** Whether ranks, or groups, exchange parameters every few steps. */
    boolean hasPeriod() {
        return options().hasCentre() || options().hasLocalSteps();
    }

    private StrategyOptions options() {
        StrategyOptions.Builder builder = StrategyOptions.builder(kind);
        return switch (kind) {
            case ALLREDUCE -> builder.build();
            case PARAMSERVER -> builder.staleness("asp").build();
            case ELASTIC, HYBRID, DILOCO -> builder.period(period).build();
            case POST_LOCAL -> builder.localAfter(0L).period(period).build();
        };
    }

    /** As written on the command line: {@code elastic:4}, {@code allreduce:bf16}. */
    @Override
    public String toString() {
        if (codec != null) {
            return kind + ":" + codec;
        }
        return period == 1 ? kind.toString() : kind + ":" + period;
    }

    /** Reads one. */
    static final class Converter implements ITypeConverter<ScalingStrategy> {

        private static final String WITH_CODEC = "allreduce:";
        private static final Pattern FORM = Pattern.compile("([a-z-]+)(?::([1-9][0-9]{0,5}))?");

        @Override
        public ScalingStrategy convert(String text) {
            if (text.startsWith(WITH_CODEC)) {
                return withCodec(text.substring(WITH_CODEC.length()), text);
            }
            Matcher parts = FORM.matcher(text);
            if (parts.matches()) {
                try {
                    return of(StrategyOptions.Kind.of(parts.group(1)), parts.group(2), text);
                } catch (IllegalArgumentException unknown) {
                    // Below, with what can follow a word.
                }
            }
            throw new TypeConversionException("'" + text + "' is none of allreduce, paramserver, elastic, hybrid,"
                    + " post-local, diloco, elastic:PERIOD, hybrid:PERIOD, post-local:PERIOD, diloco:PERIOD,"
                    + " allreduce:CODEC");
        }

        private static ScalingStrategy withCodec(String codec, String text) {
            try {
                GradientCodecs.of(codec);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException("'" + text + "': " + e.getMessage());
            }
            return new ScalingStrategy(StrategyOptions.Kind.ALLREDUCE, 1, codec);
        }

        private static ScalingStrategy of(StrategyOptions.Kind kind, @Nullable String period, String text) {
            ScalingStrategy strategy = new ScalingStrategy(kind, period == null ? 1 : Integer.parseInt(period), null);
            if (period != null && !strategy.hasPeriod()) {
                throw new TypeConversionException(
                        "'" + text + "': only elastic, hybrid, post-local and diloco have a period");
            }
            return strategy;
        }
    }
}
