package io.gyre.dl4j;

import io.gyre.kernel.Float16Codec;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.ScaledCodec;
import io.gyre.kernel.SeededCodec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * In which numbers a rank sends its gradients.
 *
 * @param codecs one for each seat of the process; empty for those of the model
 * @param lossScale of the codecs; null if they are not scaled
 */
record Compression(List<GradientCodec> codecs, @Nullable LossScale lossScale) {

    /** Several blocks of every codec. */
    private static final int SAMPLE = 64 << 10;

    /** What the options say; fails if the model or the strategy cannot do that. */
    static Compression of(TrainerBuilder options, DataType type, int seats) {
        if (options.compression == null && !options.mixedPrecision) {
            return new Compression(List.of(), null);
        }
        String option = options.mixedPrecision ? "mixedPrecision" : "compress";
        if (options.strategy != null) {
            throw new IllegalArgumentException(option + " belongs to the default strategy, and this trainer has the"
                    + " strategy " + options.strategy.name() + ": give a codec to Collectives.choose, if that strategy"
                    + " has a collective, or to Training.compress, if servers train, or leave out one of the two"
                    + " options");
        }
        if (type == DataType.DOUBLE || (type == DataType.FLOAT16 && options.mixedPrecision)) {
            throw new IllegalArgumentException(option + " is for FLOAT models, and this one is " + type
                    + ": leave out the option, or set dataType(DataType.FLOAT)");
        }
        List<GradientCodec> codecs = new ArrayList<>();
        List<ScaledCodec> scaled = new ArrayList<>();
        for (int seat = 0; seat < seats; seat++) {
            GradientCodec codec = options.compression == null ? new Float16Codec() : options.compression.get();
            codecs.add(codec);
            if (codec instanceof SeededCodec seeded) {
                seeded.seed(options.seed);
            }
            if (options.mixedPrecision && codec instanceof ScaledCodec withScale) {
                scaled.add(withScale);
            }
        }
        return new Compression(codecs, scaled.isEmpty() ? null : new LossScale(scaled, options.stepsToRaise));
    }

    /** That of a seat; null for the numbers of the model. */
    @Nullable GradientCodec codec(int seat) {
        return codecs.isEmpty() ? null : codecs.get(seat);
    }

    /** Whether the codecs keep residuals. */
    boolean hasResiduals() {
        return !codecs.isEmpty() && codecs.get(0).residual() != null;
    }

    /** Length of a vector of gradients as it is sent; the greatest one, if it varies. */
    long encodedBytes(long bytes) {
        return codecs.isEmpty() ? bytes : bytes * codecs.get(0).encodedBytes(SAMPLE) / ((long) SAMPLE * Float.BYTES);
    }

    /** Equal on all ranks that can exchange gradients. */
    @Override
    public String toString() {
        return (codecs.isEmpty() ? "none" : codecs.get(0).name()) + (lossScale == null ? "" : ", scaled");
    }
}
