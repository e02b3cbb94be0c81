package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.kernel.GradientCodec;
import io.gyre.openblas.FastKernels;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * How a server trains its parameters.
 *
 * @param consistency how far workers may run apart
 * @param optimizer creates the optimiser of each shard
 * @param scaledByDelay whether the learning rate decreases with the delay, the number of updates between the parameters
 *     that a gradient was computed with and its own update: {@code rate / max(1, delay)}. Zhang et al.,
 *     "Staleness-aware async-SGD", IJCAI 2016
 * @param delayCompensation lambda of {@code g + lambda g g (w - w_then)}, which estimates the gradient at the current
 *     parameters from their change since they were pulled; 0 for none. Costs the server one more shard per worker.
 *     Zheng et al., "Asynchronous stochastic gradient descent with delay compensation", ICML 2017
 * @param codecs makes codecs in which gradients are sent: see {@link #compress}; null for floats
 */
public record Training(
        Consistency consistency,
        ServerOptimizer.Factory optimizer,
        boolean scaledByDelay,
        double delayCompensation,
        @Nullable Supplier<? extends GradientCodec> codecs) {

    public Training {
        if (!(delayCompensation >= 0) || Double.isInfinite(delayCompensation)) {
            throw new IllegalArgumentException(
                    "delayCompensation is " + delayCompensation + ": it must be 0 or positive, and finite");
        }
    }

    /** Training with gradients that are sent as they are. */
    public Training(
            Consistency consistency,
            ServerOptimizer.Factory optimizer,
            boolean scaledByDelay,
            double delayCompensation) {
        this(consistency, optimizer, scaledByDelay, delayCompensation, null);
    }

    /** Training without correction for delay. */
    public Training(Consistency consistency, ServerOptimizer.Factory optimizer) {
        this(consistency, optimizer, false, 0);
    }

    /**
     * The same training, with gradients of FLOAT32 that workers encode before they send them, with error feedback if
     * the codec has a {@linkplain GradientCodec#residual residual}. Where nothing is sent, on a server's host, and in
     * pulled parameters floats stay floats.
     *
     * @param value called once for each vector of a worker, and for each shard of a server; a codec that draws at
     *     random has the same seed everywhere. Null for floats
     */
    public Training compress(@Nullable Supplier<? extends GradientCodec> value) {
        return new Training(consistency, optimizer, scaledByDelay, delayCompensation, value);
    }

    /** The codec's name, the same on all ranks. */
    String codecName() {
        return codecs == null ? "none" : codecs.get().name();
    }

    /** Creates what encodes or decodes one vector; null for floats. */
    @Nullable PushCodec newPushCodec() {
        return codecs == null ? null : new PushCodec(codecs.get(), FastKernels.choose());
    }

    /** Why such parameters cannot be trained, or null. */
    @Nullable String objection(BufferSpec parameters) {
        return codecs == null || parameters.type() == ElementType.FLOAT32
                ? null
                : "a codec, " + codecName() + ", encodes gradients of FLOAT32, and parameters " + parameters
                        + " are others: start the service without it";
    }

    String inWords() {
        return consistency.name()
                + (scaledByDelay ? ", scaled by delay" : "")
                + (delayCompensation > 0 ? ", delay compensation " + delayCompensation : "")
                + (codecs == null ? "" : ", gradients sent as " + codecName());
    }
}
