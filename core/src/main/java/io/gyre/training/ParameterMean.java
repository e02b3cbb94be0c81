package io.gyre.training;

import io.gyre.kernel.ArrayKernels;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;

/** Ranks synchronise to the weighted mean of their parameters, which is computed where these are. */
final class ParameterMean implements FragmentSync {

    private final Kernels kernels = new ArrayKernels();

    @Override
    public void start(TrainableModel model) {
        // The parameters are all it needs.
    }

    @Override
    public void prepare(TrainableModel model, Span fragment, double weight) {
        kernels.scale(model.elementType(), part(model, fragment), weight);
    }

    @Override
    public Region part(TrainableModel model, Span fragment) {
        int bytes = model.elementType().bytes();
        return model.parameters().slice(fragment.offset() * bytes, fragment.length() * bytes);
    }

    @Override
    public void apply(TrainableModel model, Span fragment) {
        // The sum of weighted parameters is their mean.
    }
}
