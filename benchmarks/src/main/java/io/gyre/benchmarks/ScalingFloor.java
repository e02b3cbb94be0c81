package io.gyre.benchmarks;

import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;

/**
 * The arithmetic lower bound of a step's time: computation, plus link transfers that cannot overlap it. Ignores
 * processor cost and latency. All times are those of the simulated hosts, in seconds.
 *
 * @param plan of the gradient, of floats
 * @param computeSeconds of forward and backward pass together
 * @param backward fraction of that time in which gradients become complete, at its end
 * @param wire of each host
 */
record ScalingFloor(BucketPlan plan, double computeSeconds, double backward, Wire wire) {

    /** The time of a step on the hosts that are not slow. */
    double seconds(ScalingCase run) {
        return switch (run.strategy().kind()) {
            case ALLREDUCE -> synchronous(run);
            case PARAMSERVER -> parameterServer(run);
            case ELASTIC -> elastic(run);
            case HYBRID -> hybrid(run);
            case POST_LOCAL, DILOCO -> localSteps(run);
        };
    }

    /** Gradients of the whole model, in bytes. */
    private double vector() {
        return (double) plan.elements() * Float.BYTES;
    }

    /**
     * When a bucket is complete, from the beginning of the step.
     *
     * @param slowness how many times as long the rank computes
     */
    double completeSeconds(Bucket bucket, double slowness) {
        double done = (double) (plan.elements() - bucket.offset()) / plan.elements();
        return slowness * computeSeconds * (1 - backward + backward * done);
    }

    /**
     * Buckets are exchanged one after the other, each once the slowest rank has completed it. A host sends 2 (H-1)/H of
     * each, with one rank or several; of what a codec makes of it, if there is one.
     */
    private double synchronous(ScalingCase run) {
        double slowest = run.hosts() == 1 ? 1 : run.slow();
        double end = 0;
        for (Bucket bucket : plan.buckets()) {
            double bytes = bucket.length() * run.strategy().bytesOfFloat();
            double sent = 2 * bytes * (run.hosts() - 1) / run.hosts();
            end = Math.max(end, completeSeconds(bucket, slowest)) + wire.seconds(sent);
        }
        return Math.max(end, slowest * computeSeconds);
    }

    /**
     * Each rank pushes to the shards on other hosts and pulls from them, during computation; its own host's shards
     * serve the ranks of other hosts, of which slow ones ask less often. Both directions of a link carry the same
     * amount.
     */
    private double parameterServer(ScalingCase run) {
        return Math.max(computeSeconds, wire.seconds(run.ranksPerHost() * (away(run) + asked(run))));
    }

    /** Bytes of one rank's vector that are on other hosts. */
    private double away(ScalingCase run) {
        return vector() * (run.hosts() - 1) / run.hosts();
    }

    /** Bytes that one rank on each other host requests from a host per step of this one. */
    private double asked(ScalingCase run) {
        return run.hosts() == 1 ? 0 : vector() / run.hosts() * (run.hosts() - 2 + 1 / run.slow());
    }

    /**
     * In one of {@code period} steps a rank waits until it has read the centre; its update of the centre is sent during
     * the following steps.
     */
    private double elastic(ScalingCase run) {
        double read = wire.seconds(run.ranksPerHost() * away(run));
        double both = wire.seconds(run.ranksPerHost() * (away(run) + asked(run)));
        double cycle = Math.max(run.strategy().period() * computeSeconds + read, both);
        return cycle / run.strategy().period();
    }

    /**
     * One rank of each host exchanges for all of them, and reads the centre while the last step of the period computes.
     */
    private double hybrid(ScalingCase run) {
        int period = run.strategy().period();
        double read = wire.seconds(away(run));
        double both = wire.seconds(away(run) + asked(run));
        double cycle = Math.max((period - 1) * computeSeconds + Math.max(computeSeconds, read), both);
        return cycle / period;
    }

    /** All ranks take each step together, and in one of {@code period} steps wait for an all-reduce of parameters. */
    private double localSteps(ScalingCase run) {
        double slowest = run.hosts() == 1 ? 1 : run.slow();
        return slowest * computeSeconds
                + wire.seconds(2 * away(run)) / run.strategy().period();
    }
}
