package io.gyre.dl4j;

import io.gyre.session.Session;
import io.gyre.training.ParameterExchange;
import io.gyre.training.UpdateStrategy;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.factory.Nd4j;

/** What cannot be trained in a run in which a process holds several ranks. All ranks find the same. */
final class SeatChecks {

    /** Why data are refused, and what to use. */
    static final String ONE_READING =
            "in this run a process holds several ranks, and reads the data once for all of them: divide by"
                    + " Sharding.EXAMPLES or BATCHES, or use an ExampleSource";

    private SeatChecks() {}

    /** Whether every process that reads the data can make the parts of all ranks from them. */
    static boolean suits(Sharding sharding) {
        return sharding == Sharding.EXAMPLES || sharding == Sharding.BATCHES;
    }

    /** Whether a process of the run holds several ranks, or may come to. */
    static boolean concerns(Session session) {
        return session.hasSeats();
    }

    /** Fails if the codecs keep what would be lost with a process. */
    static void checkGenerations(Compression compression) {
        if (compression.hasResiduals()) {
            throw new IllegalArgumentException(
                    "the codec " + compression.codecs().get(0).name()
                            + " cannot be used in a run whose processes may change: what a rank has not sent yet, its residual,"
                            + " would be lost with a process. Use bf16, fp16 or int8, or start the run without --processes,"
                            + " --spares, --min-processes and --restarts");
        }
    }

    /** Fails if the options are not for such a run, and this is one. */
    static void checkOptions(TrainerBuilder options, Session session) {
        if (!concerns(session)) {
            return;
        }
        UpdateStrategy strategy = options.strategy;
        if (strategy != null && !strategy.reduction().coversSeats()) {
            throw refused(session, "the strategy " + strategy.name(), "leave the strategy out, for allreduce");
        }
        if (options.synchronousBatchNorm) {
            throw refused(session, "synchronousBatchNorm", "leave it out");
        }
        if (!suits(options.sharding)) {
            throw refused(
                    session,
                    "Sharding." + options.sharding,
                    "divide by Sharding.EXAMPLES or BATCHES, or use an ExampleSource");
        }
    }

    /**
     * Fails if a strategy is made for each generation, and cannot be.
     *
     * @param mayChange whether this is a run whose processes may change
     */
    static void checkGenerations(TrainerBuilder options, boolean mayChange) {
        if (options.generations == null) {
            return;
        }
        if (options.strategy != null) {
            throw new IllegalArgumentException("two strategies, " + options.strategy.name()
                    + " and one made for each generation: leave one of them out");
        }
        if (options.checkpoints().directory() != null) {
            throw new IllegalArgumentException("checkpoints with a strategy that is made for each generation: "
                    + ParameterExchange.OUT_OF_STEP + ". Leave out the checkpoint directory");
        }
        if (!mayChange) {
            throw new IllegalArgumentException(
                    "a GenerationStrategy is for runs whose processes may change, and this is none: use an"
                            + " UpdateStrategy");
        }
    }

    /** Fails if gradients are not in the host's memory, and a process holds several ranks. */
    static void checkPlace(Session session, DeviceGradients.@Nullable Source source) {
        if (concerns(session) && (source != null || !Nd4j.getEnvironment().isCPU())) {
            throw refused(session, "gradients on a device", "train on CPUs");
        }
    }

    private static IllegalArgumentException refused(Session session, String what, String remedy) {
        return new IllegalArgumentException(what + " cannot be used in a run in which a process may hold several ranks;"
                + " here: " + session.seating() + ". Start one process for each rank, or " + remedy);
    }
}
