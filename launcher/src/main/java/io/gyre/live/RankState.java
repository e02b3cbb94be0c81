package io.gyre.live;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What {@code ranks/rank-N.json} of a run directory holds: what a rank says of itself about once a second.
 *
 * @param host the rank's
 * @param pid of its process
 * @param atMillis when this was written: milliseconds since 1970, by the host's clock
 * @param ended whether the rank has ended, so that nothing follows
 * @param step where it is: number of steps done before; -1 before the first
 * @param phase of the step, in lower case; empty outside of a call that trains
 * @param waiting for whom a thread of the rank waits; null if for nobody
 * @param waitedSeconds sum of the waits for each other rank, since this process began
 * @param history of the whole training of this process, the oldest first
 * @param stall the last one; null if there was none
 * @param failure why the training failed on this rank; null if it did not
 * @param news other ranks that ended or returned, the newest last
 * @param heapBytes used heap; 0 if not yet known
 * @param residentBytes memory of the process that is resident; 0 if not known
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
@JsonIgnoreProperties(ignoreUnknown = true)
record RankState(
        int rank,
        String host,
        long pid,
        long atMillis,
        boolean ended,
        long step,
        String phase,
        @Nullable Wait waiting,
        Map<Integer, Double> waitedSeconds,
        List<RankHistory.Column> history,
        @Nullable Stall stall,
        @Nullable String failure,
        List<String> news,
        long heapBytes,
        long residentBytes) {

    /**
     * A wait for another rank.
     *
     * @param rank that is waited for; -1 for no particular one
     * @param operation in which, and on which bucket
     * @param seconds so far
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    record Wait(int rank, String operation, double seconds) {}

    /**
     * No step has ended for too long.
     *
     * @param step in which
     * @param report what the rank has logged, with the stacks of its threads
     * @param over whether a step has ended since
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    record Stall(long step, String report, boolean over) {}

    /** Whether it has all that is never null; Jackson leaves out what the text lacks. */
    @SuppressWarnings("ConstantValue")
    boolean isComplete() {
        return host != null
                && phase != null
                && waitedSeconds != null
                && history != null
                && !history.contains(null)
                && news != null;
    }
}
