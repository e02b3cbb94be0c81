package io.gyre.session;

import io.gyre.PeerLostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The threads of a process that holds several ranks: operations that wait for other ranks run for all of its seats at
 * the same time, since the other ranks may be those of this process.
 *
 * <dl>
 *   <dt>Threads
 *   <dd>One daemon thread for each seat but the first, until {@link #close}. They sleep between two operations.
 *   <dt>Waits
 *   <dd>An operation ends when that of every seat has, each by the deadline of its own session. If a seat has failed and
 *       another has not ended a second later, it may wait for that seat: the run is told of the failure, which ends all
 *       waits. An interrupt of the caller interrupts all seats.
 *   <dt>Allocation
 *   <dd>None after the first operation, beyond what a semaphore needs to wait.
 * </dl>
 */
final class SeatThreads implements AutoCloseable {

    private static final long TO_NOTICE_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);

    private final List<Session> seats;
    private final List<Thread> threads = new ArrayList<>();
    private final List<Semaphore> begin = new ArrayList<>();
    private final Object lock = new Object();
    private @Nullable IntConsumer work;

    // Guarded by the lock.
    private boolean closed;
    private long operation;
    private int pending;
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
        long ended = 0;
        while (true) {
            begins.acquireUninterruptibly();
            // An interrupt was meant for the operation before this one.
            boolean unused = Thread.interrupted();
            long current;
            synchronized (lock) {
                current = operation;
                if (closed && current == ended) {
                    return;
                }
            }
            ended = current;
            Throwable found = run(seat);
            if (found != null) {
                awaitEnd(current, seat, found);
            }
        }
    }

    /** Does work for each seat: see {@link Session#onSeats}. One caller at a time. */
    synchronized void run(IntConsumer ofSeats) {
        long current;
        work = ofSeats;
        synchronized (lock) {
            checkOpen();
            operation++;
            current = operation;
            pending = seats.size();
            failure = null;
        }
        for (int i = 0; i < begin.size(); i++) {
            begin.get(i).release();
        }
        awaitEnd(current, 0, run(0));
        work = null;
        Throwable found = failure();
        if (found instanceof RuntimeException e) {
            throw e;
        }
        if (found instanceof Error e) {
            throw e;
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the session of this process has been closed");
        }
    }

    /** Returns what has failed; null for nothing. */
    private @Nullable Throwable run(int seat) {
        Throwable found = null;
        try {
            synchronized (lock) {
                checkOpen();
            }
            Objects.requireNonNull(work).accept(seat);
        } catch (RuntimeException | Error e) {
            found = e;
        }
        synchronized (lock) {
            if (failure == null) {
                failure = found;
            } else if (found != null && !(found instanceof PeerLostException)) {
                // A loss is the one that all have found, or follows from the first failure.
                failure.addSuppressed(found);
            }
            pending--;
            if (pending == 0) {
                lock.notifyAll();
            }
        }
        return found;
    }

    /**
     * Returns when an operation has ended on all seats. If this seat has failed, tells the run after a while.
     *
     * @param ownFailure null for none
     */
    private void awaitEnd(long ofOperation, int seat, @Nullable Throwable ownFailure) {
        boolean told = ownFailure == null;
        boolean interrupted = false;
        while (true) {
            try {
                if (hasEnded(ofOperation, told ? Long.MAX_VALUE : TO_NOTICE_NANOS)) {
                    break;
                }
                told = true;
                seats.get(seat).fail("it failed: " + ownFailure);
            } catch (InterruptedException e) {
                if (seat > 0) {
                    return;
                }
                interrupted = true;
                threads.forEach(Thread::interrupt);
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits for the end of an operation on all seats; returns whether it has come. */
    private boolean hasEnded(long ofOperation, long nanos) throws InterruptedException {
        long begun = System.nanoTime();
        synchronized (lock) {
            while (operation == ofOperation && pending > 0) {
                long left = nanos - (System.nanoTime() - begun);
                if (left <= 0) {
                    return false;
                }
                TimeUnit.NANOSECONDS.timedWait(lock, left);
            }
            return true;
        }
    }

    private @Nullable Throwable failure() {
        synchronized (lock) {
            return failure;
        }
    }

    /** Ends the threads, even in the middle of an operation. A second call does nothing. */
    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
        }
        begin.forEach(Semaphore::release);
        threads.forEach(Thread::interrupt);
        ThreadEnd.await(threads, CLOSE_TIMEOUT);
    }
}
