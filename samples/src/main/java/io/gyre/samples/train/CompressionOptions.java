package io.gyre.samples.train;

import io.gyre.allreduce.PowerSgd;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.GradientCodecs;
import io.gyre.paramserver.StrategyOptions;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code gyre train} for the numbers in which gradients are sent. */
final class CompressionOptions {

    private static final List<StrategyOptions.Kind> EXCHANGE_GRADIENTS =
            List.of(StrategyOptions.Kind.ALLREDUCE, StrategyOptions.Kind.PARAMSERVER, StrategyOptions.Kind.HYBRID);

    @Option(
            names = "--compress",
            paramLabel = "NAME[:PARAMETER]",
            description = "For allreduce, paramserver and hybrid: in which numbers gradients are sent between hosts and"
                    + " to servers: bf16, fp16, int8[:BLOCK], onebit, topk:FRACTION, randomk:FRACTION or"
                    + " threshold:VALUE. For allreduce also powersgd:RANK. Default: as they are.")
    private @Nullable String name;

    @Option(
            names = "--mixed-precision",
            description = "For allreduce: gradients are sent in fp16 with a dynamic loss scale, unless --compress names"
                    + " another format.")
    private boolean mixedPrecision;

    /**
     * Fails if the options contradict each other or others, or name what does not exist.
     *
     * @param inDouble whether the run trains in double precision
     * @throws IllegalArgumentException with the option and its value
     */
    void check(StrategyOptions.Kind strategy, boolean inDouble) {
        String option = mixedPrecision ? "--mixed-precision" : "--compress " + name;
        if (name != null) {
            try {
                if (powerSgdRank().isEmpty()) {
                    GradientCodecs.of(name);
                }
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("--compress " + e.getMessage(), e);
            }
        } else if (!mixedPrecision) {
            return;
        }
        if (inDouble) {
            throw new IllegalArgumentException(option + " encodes floats, and --double trains in double precision");
        }
        boolean lowRank = powerSgdRank().isPresent();
        if (lowRank && mixedPrecision) {
            throw new IllegalArgumentException("--compress " + name
                    + " sends factors of floats, and --mixed-precision numbers of 16 bits: leave out one of the two");
        }
        List<StrategyOptions.Kind> owners =
                mixedPrecision || lowRank ? List.of(StrategyOptions.Kind.ALLREDUCE) : EXCHANGE_GRADIENTS;
        if (!owners.contains(strategy)) {
            throw new IllegalArgumentException(option + " belongs to " + owners + ", not to --strategy " + strategy);
        }
    }

    /** The matrix rank of PowerSGD, if gradients are sent so. */
    OptionalInt powerSgdRank() {
        return name == null || !PowerSgd.isNamed(name) ? OptionalInt.empty() : OptionalInt.of(PowerSgd.rankOf(name));
    }

    /** Makes codecs of gradients; null if gradients are sent without one. */
    @Nullable Supplier<GradientCodec> codecs() {
        return name == null || powerSgdRank().isPresent() ? null : GradientCodecs.of(name);
    }

    boolean mixedPrecision() {
        return mixedPrecision;
    }

    /** As what gradients are sent; empty if as they are. */
    @Override
    public String toString() {
        return name != null ? name : mixedPrecision ? "fp16" : "";
    }
}
