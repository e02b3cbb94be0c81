package io.gyre.session;

import io.gyre.PeerLostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Semaphore;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads of a process that holds several ranks: operations that wait for other ranks run for all of its seats at
 * the same time, since the other ranks may be those of this process.
 *
 * <dl>
 *   <dt>Threads
 *   <dd>One daemon thread for each seat but the first, until {@link #close}. They sleep between two operations.
 *   <dt>Waits
 *   <dd>An operation ends when that of every seat has, each by the deadline of its own session. A seat that fails tells
 *       the run, so that the other seats, which may wait for it, fail too. An interrupt of the caller interrupts all.
 *   <dt>Allocation
 *   <dd>None after the first operation, beyond what a semaphore needs to wait.
 * </dl>
 */
final class SeatThreads implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(SeatThreads.class);
    private static final long CLOSE_MILLIS = 10_000;

    private final List<Session> seats;
    private final List<Thread> threads = new ArrayList<>();
    private final List<Semaphore> begin = new ArrayList<>();
    private final Semaphore done = new Semaphore(0);
    private final Object lock = new Object();
    private @Nullable IntConsumer work;
    private volatile boolean closed;

    /** Guarded by the lock. */
    private @Nullable Throwable failure;

    /**
     * Starts the threads.
     *
     * @param seats borrowed
     */
    SeatThreads(List<Session> seats) {
        this.seats = seats;
        for (int seat = 1; seat < seats.size(); seat++) {
            int own = seat;
            Semaphore begins = new Semaphore(0);
            begin.add(begins);
            Thread thread = new Thread(
                    () -> loop(own, begins),
                    "gyre-seat-" + seats.get(seat).world().rank());
            thread.setDaemon(true);
            threads.add(thread);
        }
        threads.forEach(Thread::start);
    }

    private void loop(int seat, Semaphore begins) {
        while (true) {
            begins.acquireUninterruptibly();
            // An interrupt was meant for the operation before this one.
            boolean unused = Thread.interrupted();
            if (closed) {
                failed(new IllegalStateException("the session of this process has been closed"));
                done.release();
                return;
            }
            run(seat);
            done.release();
        }
    }

    /** Does work for each seat: see {@link Session#onSeats}. One caller at a time. */
    synchronized void run(IntConsumer ofSeats) {
        if (closed) {
            throw new IllegalStateException("the session of this process has been closed");
        }
        failed(null);
        work = ofSeats;
        for (int i = 0; i < begin.size(); i++) {
            begin.get(i).release();
        }
        run(0);
        awaitOthers();
        work = null;
        Throwable found = found();
        if (found instanceof RuntimeException e) {
            throw e;
        }
        if (found instanceof Error e) {
            throw e;
        }
    }

    private void run(int seat) {
        try {
            Objects.requireNonNull(work).accept(seat);
        } catch (RuntimeException | Error e) {
            failed(e);
            // Bad arguments are found on all seats alike, and a loss is known to all.
            if (!(e instanceof PeerLostException) && !(e instanceof IllegalArgumentException)) {
                seats.get(seat).fail("it failed: " + e);
            }
        }
    }

    private void awaitOthers() {
        boolean interrupted = false;
        for (int left = threads.size(); left > 0; ) {
            try {
                done.acquire();
                left--;
            } catch (InterruptedException e) {
                interrupted = true;
                threads.forEach(Thread::interrupt);
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private @Nullable Throwable found() {
        synchronized (lock) {
            return failure;
        }
    }

    /** Keeps the first failure, with others that are no losses: a loss is of the same rank, or follows from the first. */
    private void failed(@Nullable Throwable found) {
        synchronized (lock) {
            if (found == null || failure == null) {
                failure = found;
            } else if (!(found instanceof PeerLostException)) {
                failure.addSuppressed(found);
            }
        }
    }

    /** Ends the threads, even in the middle of an operation. A second call does nothing. */
    @Override
    public void close() {
        closed = true;
        begin.forEach(Semaphore::release);
        threads.forEach(Thread::interrupt);
        boolean interrupted = false;
        for (Thread thread : threads) {
            try {
                thread.join(CLOSE_MILLIS);
                if (thread.isAlive()) {
                    LOG.warn("{} has not ended within {} ms", thread.getName(), CLOSE_MILLIS);
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
