package io.gyre.paramserver;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The agent of a service whose servers' replies a test makes up. */
final class AnsweringAgent implements ServiceThread.Agent {

    /** The calls that were carried. */
    final List<Call<?>> asked = new CopyOnWriteArrayList<>();

    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final Function<Request<?>, @Nullable Reply> replies;

    /**
     * Creates an agent.
     *
     * @param replies the reply to a request; null leaves it without one
     */
    AnsweringAgent(Function<Request<?>, @Nullable Reply> replies) {
        this.replies = replies;
    }

    /** The requests that were carried. */
    List<Request<?>> requests() {
        return asked.stream().<Request<?>>map(Call::request).toList();
    }

    @Override
    public void ask(Call<?> call) {
        tasks.add(() -> {
            asked.add(call);
            Reply reply = replies.apply(call.request());
            if (reply != null) {
                call.finish(reply);
            }
        });
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
    }

    @Override
    public boolean isDone() {
        return false;
    }

    @Override
    public int doWork() {
        Runnable task = tasks.poll();
        if (task == null) {
            return 0;
        }
        task.run();
        return 1;
    }

    @Override
    public void idle(int workDone) {
        if (workDone == 0) {
            LockSupport.parkNanos(1_000_000);
        }
    }

    @Override
    public void onClose() {}
}
