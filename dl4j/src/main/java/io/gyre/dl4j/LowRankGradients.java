package io.gyre.dl4j;

import io.gyre.allreduce.PowerSgd;
import io.gyre.session.Session;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/** The option {@link TrainerBuilder#powerSgd}: what it is for, and what it adds to a replica. */
final class LowRankGradients {

    private LowRankGradients() {}

    /** What a rank needs for it; null without the option. Fails if it is not for this model or run. */
    static @Nullable PowerSgd of(TrainerBuilder options, TrainedModel network, Session session) {
        int rank = options.powerSgdRank;
        if (rank == 0) {
            return null;
        }
        String option = "powerSgd(" + rank + ")";
        if (options.compression != null || options.mixedPrecision) {
            throw new IllegalArgumentException(option + " sends factors of FLOAT, and "
                    + (options.compression != null ? "compress" : "mixedPrecision")
                    + " other numbers: leave out one of the two options");
        }
        if (options.strategy != null) {
            throw new IllegalArgumentException(option + " belongs to the default strategy, and this trainer has the"
                    + " strategy " + options.strategy.name() + ": leave out one of the two options");
        }
        DataType type = network.parameters().dataType();
        if (type == DataType.DOUBLE) {
            throw new IllegalArgumentException(option + " is for FLOAT models, and this one is " + type
                    + ": leave out the option, or set dataType(DataType.FLOAT)");
        }
        if (SeatChecks.concerns(session)) {
            throw new IllegalArgumentException(option + " cannot be used in a run in which a process may hold several"
                    + " ranks, or be replaced: what a rank has not sent yet, its residual, would be lost with a"
                    + " process. Use bf16, fp16 or int8, or start the run without --processes, --spares,"
                    + " --min-processes and --restarts");
        }
        return new PowerSgd(rank, network.layout().matrices(), options.seed);
    }

    /** The factors with which a step begins are equal on all ranks. */
    static ReplicaPart part(PowerSgd powerSgd) {
        return new ReplicaPart(
                powerSgd.start().name(), powerSgd.start(), DataType.FLOAT, element -> "element " + element);
    }
}
