package io.gyre.paramserver;

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
 */
public record Training(
        Consistency consistency, ServerOptimizer.Factory optimizer, boolean scaledByDelay, double delayCompensation) {

    public Training {
        if (!(delayCompensation >= 0) || Double.isInfinite(delayCompensation)) {
            throw new IllegalArgumentException(
                    "delayCompensation is " + delayCompensation + ": it must be 0 or positive, and finite");
        }
    }

    /** Training without correction for delay. */
    public Training(Consistency consistency, ServerOptimizer.Factory optimizer) {
        this(consistency, optimizer, false, 0);
    }

    String inWords() {
        return consistency.name()
                + (scaledByDelay ? ", scaled by delay" : "")
                + (delayCompensation > 0 ? ", delay compensation " + delayCompensation : "");
    }
}
