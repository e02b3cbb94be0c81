package io.gyre.dl4j;

import io.gyre.kernel.Float16Codec;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.ScaledCodec;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * In which numbers a rank sends its gradients.
 *
 * @param codec null for those of the model
 * @param lossScale of the codec; null if it is not scaled
 */
record Compression(@Nullable GradientCodec codec, @Nullable LossScale lossScale) {

    private static final int SAMPLE = 64;

    /** What the options say; fails if the model or the strategy cannot do that. */
    static Compression of(TrainerBuilder options, DataType type) {
        if (options.compression == null && !options.mixedPrecision) {
            return new Compression(null, null);
        }
        String option = options.mixedPrecision ? "mixedPrecision" : "compress";
        if (options.strategy != null) {
            throw new IllegalArgumentException(option + " belongs to the default strategy, and this trainer has the"
                    + " strategy " + options.strategy.name() + ": give a codec to Collectives.choose, if that strategy"
                    + " has a collective, or leave out one of the two options");
        }
        if (type == DataType.DOUBLE || (type == DataType.FLOAT16 && options.mixedPrecision)) {
            throw new IllegalArgumentException(option + " is for FLOAT models, and this one is " + type
                    + ": leave out the option, or set dataType(DataType.FLOAT)");
        }
        GradientCodec codec = options.compression == null ? new Float16Codec() : options.compression.get();
        boolean scaled = options.mixedPrecision && codec instanceof ScaledCodec;
        return new Compression(codec, scaled ? new LossScale((ScaledCodec) codec, options.stepsToRaise) : null);
    }

    /** Length of a vector of gradients as it is sent. */
    long encodedBytes(long bytes) {
        return codec == null ? bytes : bytes / SAMPLE / Float.BYTES * codec.encodedBytes(SAMPLE);
    }

    /** Equal on all ranks that can exchange gradients. */
    @Override
    public String toString() {
        return (codec == null ? "none" : codec.name()) + (lossScale == null ? "" : ", scaled");
    }
}
