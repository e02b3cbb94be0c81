package io.gyre.transport;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.agrona.ErrorHandler;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentRunner;
import org.agrona.concurrent.AgentTerminationException;
import org.agrona.concurrent.IdleStrategy;

/**
 * A daemon thread that runs an {@link Agent}, by Agrona's {@link AgentRunner}, until it is closed or the agent throws an
 * {@link AgentTerminationException}. Its name is the agent's role.
 *
 * <p>Closing does not interrupt the thread, as {@link AgentRunner#close} would: Aeron, files and sockets take an
 * interrupt as a request to close.
 */
final class AgentThread {

    private final Runnable wake;
    private final Thread thread;
    private volatile boolean closed;

    /**
     * Starts the thread.
     *
     * @param idle called after each turn
     * @param errors receives what the agent throws
     * @param wake ends a wait inside the agent's turn; called by {@link #close}
     */
    AgentThread(Agent agent, IdleStrategy idle, ErrorHandler errors, Runnable wake) {
        this.wake = wake;
        AgentRunner runner = new AgentRunner(idle, errors, null, new UntilClosed(agent));
        thread = AgentRunner.startOnThread(runner, AgentThread::daemon);
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    }

    /** Takes the agent's turns as long as the thread is not closed. */
    private final class UntilClosed implements Agent {

        private final Agent agent;

        UntilClosed(Agent agent) {
            this.agent = agent;
        }

        @Override
        public void onStart() {
            agent.onStart();
        }

        @Override
        public int doWork() throws Exception {
            if (closed) {
                throw new AgentTerminationException(true);
            }
            try {
                return agent.doWork();
            } catch (Error e) {
                // The runner would end without closing the agent.
                agent.onClose();
                throw e;
            }
        }

        @Override
        public void onClose() {
            agent.onClose();
        }

        @Override
        public String roleName() {
            return agent.roleName();
        }
    }

    /**
     * Ends the agent after its turn, and waits until it has closed, but not longer than the timeout, and not on the
     * agent's own thread. An interrupt is deferred, because the close must complete. A second call is harmless.
     */
    void close(Duration timeout) {
        closed = true;
        wake.run();
        LockSupport.unpark(thread);
        if (Thread.currentThread() != thread) {
            join(timeout);
        }
    }

    private void join(Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        boolean interrupted = false;
        long rest = timeout.toMillis();
        while (rest > 0 && thread.isAlive()) {
            try {
                thread.join(rest);
            } catch (InterruptedException e) {
                interrupted = true;
            }
            rest = (deadline - System.nanoTime()) / 1_000_000;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
