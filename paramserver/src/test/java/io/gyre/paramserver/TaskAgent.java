package io.gyre.paramserver;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;

/** The agent of a service that does the tasks it is given, until it is closed; a test answers the calls. */
abstract class TaskAgent implements ServiceThread.Agent {

    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();

    @Override
    public final void execute(Runnable task) {
        tasks.add(task);
    }

    @Override
    public boolean isDone() {
        return false;
    }

    @Override
    public final int doWork() {
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
