package io.gyre.spark;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * How one rank ended, as its task reports it to the driver.
 *
 * @param rank from 0
 * @param end which end
 * @param value result of the program, if it ended well
 * @param message of the failure; empty if it ended well
 */
record RankOutcome(int rank, End end, @Nullable Serializable value, String message) implements Serializable {

    /** The ends that a task reports. From any other, Spark starts all tasks again. */
    enum End {
        DONE,
        /** It would fail again. */
        FAILED,
        /** Another rank was lost, which that rank's task, or Spark, reports. */
        PEER_LOST
    }

    static RankOutcome done(int rank, Serializable value) {
        return new RankOutcome(rank, End.DONE, value, "");
    }

    static RankOutcome failed(int rank, End end, Throwable failure) {
        return new RankOutcome(rank, end, null, String.valueOf(failure.getMessage()));
    }
}
