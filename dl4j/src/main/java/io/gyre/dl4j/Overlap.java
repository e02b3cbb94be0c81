package io.gyre.dl4j;

import io.gyre.World;
import java.util.Locale;

/**
 * Whether gradients are exchanged during the backward pass. The parameters are the same bits either way; but a
 * listener's {@code onGradientCalculation} then sees gradients of which a part already holds the sums over all ranks.
 */
public enum Overlap {

    /**
     * During it where ranks exchange messages, or a GPU computes; after it where all share memory, and have better use
     * for their cores.
     */
    AUTO,

    /** During it, wherever that is possible. */
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
     * @param inStep those who take each step together
     * @param reachable whether the gradients are in the host's memory, or on a device that Gyre copies from
     */
    static String obstacle(Replica replica, World inStep, boolean reachable) {
        if (inStep.size() == 1) {
            return "a rank that takes its steps alone has nobody to exchange them with";
        }
        if (!reachable) {
            return "the gradients are in the memory of a GPU, from which ND4J copies all of them at once";
        }
        return replica.bucketPlan().buckets().isEmpty() ? "the model has no parameters" : "";
    }
}
