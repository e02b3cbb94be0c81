package io.gyre.paramserver;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;

/** What a client has begun and not yet waited for: questions to servers, and work of the service's thread in mapped memory. */
final class Pending {

    /** What {@link #await} returns if no server was asked. */
    static final long NO_VERSION = Long.MAX_VALUE;

    private final Caller caller;
    private final String doing;
    private final List<Call> calls = new ArrayList<>();
    private final List<FutureTask<Boolean>> tasks = new ArrayList<>();

    /**
     * Nothing is under way.
     *
     * @param doing what will be, for errors
     */
    Pending(Caller caller, String doing) {
        this.caller = caller;
        this.doing = doing;
    }

    void add(Call call) {
        calls.add(call);
    }

    void addAll(List<Call> begun) {
        calls.addAll(begun);
    }

    /** Lets the service's thread do something, after what it was given before. */
    void begin(Runnable action) {
        tasks.add(caller.begin(action));
    }

    /** Waits for all of it; returns the least version of the answers. */
    long await() {
        long least = NO_VERSION;
        for (Call call : calls) {
            least = Math.min(least, caller.await(call).version());
        }
        calls.clear();
        for (FutureTask<Boolean> task : tasks) {
            caller.await(task, doing);
        }
        tasks.clear();
        return least;
    }
}
