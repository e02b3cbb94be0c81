package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.kernel.Kernels;
import io.gyre.openblas.FastKernels;

/** Plain gradient descent: {@code w -= rate * g}. For models without an updater of their own, and for tests. */
public final class GradientDescent implements ServerOptimizer.Factory {

    private final double rate;

    /** Descends with a fixed learning rate. */
    public GradientDescent(double rate) {
        this.rate = rate;
    }

    @Override
    public ServerOptimizer create(ElementType type, long offset, long length) {
        Kernels kernels = FastKernels.choose();
        return (parameters, gradient, update, epoch, part) -> kernels.axpy(type, -rate * part, parameters, gradient);
    }
}
