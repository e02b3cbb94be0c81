package io.gyre.dl4j;

import io.gyre.World;
import io.gyre.session.Session;
import io.gyre.training.BucketPlan;
import java.util.Locale;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.LoggerFactory;

/**
 * Whether gradients are exchanged during the backward pass. The parameters are bit-identical either way, but with
 * overlap a listener's {@code onGradientCalculation} sees gradients of which a part is already reduced over all ranks.
 */
public enum Overlap {

    /**
     * During the pass if ranks exchange messages or a GPU computes; after it if all ranks share memory, because then
     * the exchange would take processor time from the pass.
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
    private static String obstacle(BucketPlan plan, World inStep, boolean reachable) {
        if (inStep.size() == 1) {
            return "a rank that takes its steps alone exchanges them with no other";
        }
        if (!reachable) {
            return "the gradients are in the memory of a GPU, from which ND4J copies all of them at once";
        }
        return plan.buckets().isEmpty() ? "the model has no parameters" : "";
    }

    /**
     * Decides whether gradients are exchanged during the backward pass.
     *
     * @param inStep the ranks that take each step together
     * @param onDevice whether Gyre copies the gradients from a device
     * @param logs whether this rank logs the decision, which is the same on all ranks
     */
    boolean decide(BucketPlan plan, Session inStep, boolean onDevice, boolean logs) {
        String obstacle =
                obstacle(plan, inStep.world(), onDevice || Nd4j.getEnvironment().isCPU());
        if (!obstacle.isEmpty()) {
            if (this == ON && logs) {
                LoggerFactory.getLogger(Overlap.class)
                        .warn("Gradients are exchanged after each backward pass, and not during it: {}", obstacle);
            }
            return false;
        }
        boolean together =
                inStep.endpoint().boxes().ranks().size() == inStep.world().size();
        boolean overlap = this == ON || (this == AUTO && (onDevice || !together));
        if (logs) {
            LoggerFactory.getLogger(Overlap.class)
                    .info(
                            "Gradients are exchanged {} each backward pass: {}",
                            overlap ? "during" : "after",
                            this == AUTO ? reason(onDevice, together) : "as requested");
        }
        return overlap;
    }

    private static String reason(boolean onDevice, boolean together) {
        if (onDevice) {
            return "the host has time while the device computes";
        }
        return together ? "the ranks in step share memory and cores" : "messages take time in which cores are free";
    }
}
