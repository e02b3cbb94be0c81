package io.gyre.dl4j;

import io.gyre.World;
import io.gyre.training.BucketPlan;
import java.util.Locale;

/**
 * Whether gradients are exchanged during the backward pass. The parameters are bit-identical either way, but with
 * overlap a listener's {@code onGradientCalculation} sees gradients of which a part is already reduced over all ranks.
 */
public enum Overlap {

    /**
     * During it if ranks exchange messages or a GPU computes; after it if all ranks share memory and the cores are
     * better used by the pass.
     */
    AUTO,

    /** During it, if possible. */
    ON,

    /** After it. */
    OFF;

    /** As on the command line. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Why there can be no overlap; empty if there can.
     *
     * @param inStep the ranks that take each step together
     * @param reachable whether the gradients are in the host's memory, or on a device that Gyre copies from
     */
    static String obstacle(BucketPlan plan, World inStep, boolean reachable) {
        if (inStep.size() == 1) {
            return "a rank that takes its steps alone has nobody to exchange them with";
        }
        if (!reachable) {
            return "the gradients are in the memory of a GPU, from which ND4J copies all of them at once";
        }
        return plan.buckets().isEmpty() ? "the model has no parameters" : "";
    }
}
