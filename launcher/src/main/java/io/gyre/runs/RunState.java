package io.gyre.runs;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** How a run is, or ended. */
public enum RunState {
    /** A process works on it; or it was killed, if none holds the lock. */
    RUNNING,

    /** It took its last step. */
    COMPLETE,

    /** It was told to end before its last step, and can be resumed. */
    STOPPED,

    /** It failed, and said why. */
    FAILED,

    /** Its process ended without a word. Never written: what {@link #RUNNING} means when nothing runs. */
    KILLED;

    /** As users read and files have it. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
