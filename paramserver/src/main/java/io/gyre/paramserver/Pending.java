package io.gyre.paramserver;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;

/**
 * What a client has begun and not yet waited for: calls to servers, and work of the service's thread on mapped shards.
 */
final class Pending {

    /** Version that {@link #await} returns if no server was asked. */
    static final long NO_VERSION = Long.MAX_VALUE;

    private final Caller caller;
    private final String doing;
    private final List<Call<? extends Reply.Versioned>> calls = new ArrayList<>();
    private final List<FutureTask<Boolean>> tasks = new ArrayList<>();

    /**
     * Nothing is pending.
     *
     * @param doing what will be, for errors
     */
    Pending(Caller caller, String doing) {
        this.caller = caller;
        this.doing = doing;
    }

    void add(Call<? extends Reply.Versioned> call) {
        calls.add(call);
    }

    /** Lets the service's thread do something, after what it was given before. */
    void begin(Runnable action) {
        tasks.add(caller.begin(action));
    }

    /**
     * Waits for all of it. Returns the least version of the replies. After a failure a second call waits for the same
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
