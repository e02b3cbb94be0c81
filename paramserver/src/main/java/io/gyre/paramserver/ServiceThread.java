package io.gyre.paramserver;

import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.session.Session;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The single thread of a service: starts, ends, and keeps the reason of its failure. An {@link Agent} does the work.
 *
 * <p>The first failure ends it, and is kept for callers ({@link #checkRunning}). It also ends this rank's session,
 * unless it is the loss of a server, of which every rank learns anyway.
 */
final class ServiceThread implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ServiceThread.class);

    private final Session session;
    private final List<ServerLink> links;
    private final Agent agent;
    private final Thread thread;
    private volatile @Nullable GyreException failure;
    private volatile boolean closed;

    /**
     * The work, done turn by turn. All methods except {@link #ask} and {@link #execute} are for the service's thread.
     */
    interface Agent {

        /** Hands over a call to carry. May be called from any thread. */
        void ask(Call<?> call);

        /** Hands over a task. May be called from any thread. */
        void execute(Runnable task);

        /** Whether there is nothing left to do. */
        boolean isDone();

        /** Takes one turn, without waiting. Returns the amount of work done. */
        int doWork();

        /** Waits a little if nothing was done. */
        void idle(int workDone);

        /** Called at the end. */
        void onClose();
    }

    /**
     * Creates the thread; {@link #start} starts it.
     *
     * @param links to the servers, whose loss an error explains
     */
    ServiceThread(Session session, List<ServerLink> links, Agent agent) {
        this.session = session;
        this.links = links;
        this.agent = agent;
        thread = new Thread(this::run, "gyre-parameters-" + own());
        thread.setDaemon(true);
    }

    private int own() {
        return session.world().rank();
    }

    void start() {
        thread.start();
    }

    /** Lets the thread carry a call; the reply wakes the caller. */
    void ask(Call<?> call) {
        agent.ask(call);
        wake();
    }

    /** Lets the thread run a task, after those it was given before. */
    void execute(Runnable task) {
        agent.execute(task);
        wake();
    }

    private void wake() {
        LockSupport.unpark(thread);
    }

    private void run() {
        try {
            while (!closed && !agent.isDone()) {
                agent.idle(agent.doWork());
            }
        } catch (PeerLostException e) {
            failure = e;
        } catch (RuntimeException | Error e) {
            LOG.debug("the parameter service of rank {} has failed", own(), e);
            failure = new GyreException("the parameter service of rank " + own() + " has failed: " + e.getMessage(), e);
            if (!closed) {
                session.fail("its parameter service has failed: " + e);
            }
        } finally {
            agent.onClose();
        }
    }

    /** Whether it runs, and has not failed. */
    boolean isRunning() {
        return failure == null && thread.isAlive();
    }

    /** Fails, with the reason, if no more work will be done. */
    void checkRunning(Object doing) {
        GyreException found = failure;
        if (found instanceof PeerLostException lost) {
            throw new PeerLostException(own(), lost.peer(), meaning(lost), doing.toString());
        }
        if (found != null) {
            throw new GyreException("rank " + own() + ": " + doing + " failed: " + found.getMessage(), found);
        }
        if (!thread.isAlive()) {
            throw new IllegalStateException("the parameter service is closed");
        }
    }

    private String meaning(PeerLostException lost) {
        return links.stream()
                .filter(link -> link.server().rank() == lost.rank())
                .findFirst()
                .map(ServerLink::lossInWords)
                .orElse("it took part in the run");
    }

    /** Waits until the agent is done, or has failed; an interrupt ends it. Returns whether it failed. */
    boolean awaitEnd() {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
                closed = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return failure != null;
    }

    boolean isClosed() {
        return closed;
    }

    /** Ends the thread, and waits for it, but not after an interrupt. A second call does nothing. */
    @Override
    public void close() {
        closed = true;
        wake();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
