package io.gyre.paramserver;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;

/**
 * What a client has started and not yet awaited: calls to servers, and work of the service's thread on mapped shards.
 */
final class Pending {

    /** Version that {@link #await} returns if there were no calls. */
    static final long NO_VERSION = Long.MAX_VALUE;

    private final Caller caller;
    private final String doing;
    private final List<Call<? extends Reply.Versioned>> calls = new ArrayList<>();
    private final List<FutureTask<Boolean>> tasks = new ArrayList<>();

    /**
     * Nothing is pending.
     *
     * @param doing description of the pending work, for errors
     */
    Pending(Caller caller, String doing) {
        this.caller = caller;
        this.doing = doing;
    }

    void add(Call<? extends Reply.Versioned> call) {
        calls.add(call);
    }

    /** Runs an action on the service's thread, after the actions it was given before. */
    void begin(Runnable action) {
        tasks.add(caller.begin(action));
    }

    /**
     * Waits for all of it. Returns the lowest version of the replies. After a failure, a second call waits for the same
     * again.
     */
    long await() {
        long least = caller.awaitAll(calls);
        calls.clear();
        for (FutureTask<Boolean> task : tasks) {
            caller.await(task, doing);
        }
        tasks.clear();
        return least;
    }
}
