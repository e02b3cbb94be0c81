package io.gyre.queue;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** How a job is. */
public enum JobState {
    /** It waits for room, or to go on after its process was killed. */
    WAITING(false),

    /** A worker has started it. */
    RUNNING(false),

    /** It has ended with exit status 0. */
    DONE(true),

    /** It has ended with another one. */
    FAILED(true),

    /** It was told to end at its time limit. */
    TIMED_OUT(true),

    /** A user has cancelled it. */
    CANCELLED(true);

    private final boolean end;

    JobState(boolean end) {
        this.end = end;
    }

    /** Whether it stays so. */
    public boolean isEnd() {
        return end;
    }

    /** As users read and files have it. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
