package io.gyre.membership;

import org.jspecify.annotations.Nullable;

/**
 * How far a run has come, as its coordinator knows it: it waits for its ranks, is complete, or has ended. It can end
 * without ever having been complete. Once set, nothing is taken back.
 */
final class RunState {

    private boolean complete;
    private @Nullable String end;

    /** Whether all ranks have joined and are ready. */
    boolean isComplete() {
        return complete;
    }

    /** All ranks have joined and are ready. */
    void complete() {
        complete = true;
    }

    /** Whether the run is over before its ranks have left. */
    boolean hasEnded() {
        return end != null;
    }

    /** Why the run has ended; null if it has not. */
    @Nullable String end() {
        return end;
    }

    /** The run ends, for a reason. */
    void end(String reason) {
        end = reason;
    }
}
