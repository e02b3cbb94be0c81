package io.gyre.queue;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How far a job is: {@code state.json}, which only the worker writes.
 *
 * @param state how it is
 * @param starts how often it was started
 * @param losses how often its process ended without a word
 * @param usedSeconds time of its processes that have ended
 * @param beganMillis when its process began, since 1970; 0 if none runs
 * @param devices numbers of its GPUs
 * @param asked that it was told to end; null if it was not
 * @param status exit status of its last process; null if it has none
 * @param reason why it is so, for people; null if that is plain
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record JobProgress(
        JobState state,
        int starts,
        int losses,
        double usedSeconds,
        long beganMillis,
        List<Integer> devices,
        @Nullable Ask asked,
        @Nullable Integer status,
        @Nullable String reason) {

    static final JobProgress NEW = new JobProgress(JobState.WAITING, 0, 0, 0, 0, List.of(), null, null, null);

    private static final double MILLIS = 1_000;

    /**
     * A job was told to end.
     *
     * @param then its state once it has
     * @param atMillis when, since 1970
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record Ask(JobState then, long atMillis) {}

    JobProgress started(long nowMillis, List<Integer> gpus) {
        return new JobProgress(
                JobState.RUNNING, starts + 1, losses, usedSeconds, nowMillis, List.copyOf(gpus), null, null, null);
    }

    JobProgress asked(JobState then, long nowMillis) {
        return new JobProgress(
                state, starts, losses, usedSeconds, beganMillis, devices, new Ask(then, nowMillis), status, reason);
    }

    JobProgress ended(JobState end, long endMillis, @Nullable Integer exitStatus, @Nullable String why) {
        double used = usedAt(endMillis);
        return new JobProgress(end, starts, losses, used, 0, List.of(), null, exitStatus, why);
    }

    JobProgress lost(JobState next, long endMillis, String why) {
        double used = usedAt(endMillis);
        return new JobProgress(next, starts, losses + 1, used, 0, List.of(), null, null, why);
    }

    /** Seconds that its processes have run until then. */
    double usedAt(long nowMillis) {
        return usedSeconds + (beganMillis == 0 ? 0 : Math.max(0, nowMillis - beganMillis) / MILLIS);
    }
}
