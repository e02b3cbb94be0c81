package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.session.Session;
import io.gyre.session.UserCode;
import io.gyre.training.StallReport;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Interrupts the thread that trains, once a rank is lost, if it is in code of the program or of Deeplearning4j: that
 * code may wait for something that never comes, and does not know of the loss. If the thread ignores the interrupt,
 * logs where it is.
 *
 * <dl>
 *   <dt>Threads
 *   <dd>One daemon thread from {@link #start} to {@link #close}, which checks ten times a second, and looks for stalls
 *       where that was asked for. None if there is only one rank and nothing was asked for.
 * </dl>
 */
final class LossWatch implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(LossWatch.class);

    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** Code that returns this soon after a loss is not interrupted: the next wait for the others fails. */
    private static final long TO_NOTICE_NANOS = TimeUnit.MILLISECONDS.toNanos(400);

    /** Time to react to the interrupt. */
    private static final long TO_REACT_NANOS = TimeUnit.MILLISECONDS.toNanos(300);

    private final Session session;
    private final Session inStep;
    private final UserCode code = new UserCode();
    private final Thread thread;
    private @Nullable StallReport stalls;
    private volatile boolean closed;

    /**
     * Prepares it.
     *
     * @param session all ranks that train
     * @param inStep the ranks without which this rank takes no step
     */
    LossWatch(Session session, Session inStep) {
        this.session = session;
        this.inStep = inStep;
        thread = new Thread(this::run, "gyre-watch-" + session.world().rank());
        thread.setDaemon(true);
    }

    /**
     * Starts the thread.
     *
     * @param report looked after by the thread too; null for none
     */
    void start(@Nullable StallReport report) {
        stalls = report;
        if (session.world().size() > 1 || report != null) {
            thread.start();
        }
    }

    /**
     * Runs work on the thread that trains. If a lost rank has caused a failure in the program's code, throws that loss
     * instead.
     */
    <T> T call(Supplier<T> work) {
        try {
            return work.get();
        } catch (RuntimeException | Error failure) {
            Throwable explained = code.explain(failure, this::check);
            if (explained instanceof GyreException lost) {
                throw lost;
            }
            throw failure;
        }
    }

    /** The calls into user code that are watched. */
    UserCode code() {
        return code;
    }

    /** Whether training can continue. */
    boolean isWhole() {
        return session.isWhole() && firstLost() < 0;
    }

    /** Fails if training cannot continue. */
    void check(Object doing) {
        session.check(doing);
        int lost = firstLost();
        if (lost >= 0) {
            throw new PeerLostException(
                    session.world().rank(),
                    inStep.members().get(lost),
                    "no rank of its group takes a step without it",
                    doing.toString());
        }
    }

    private int firstLost() {
        for (int rank = 0; rank < inStep.world().size(); rank++) {
            if (inStep.hasEnded(rank)) {
                return rank;
            }
        }
        return -1;
    }

    private void run() {
        StallReport report = stalls;
        while (!closed && isWhole()) {
            if (report != null && !looked(report)) {
                report = null;
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
        sleep(TO_NOTICE_NANOS);
        while (!closed && !code.breakOff()) {
            LockSupport.parkNanos(LOOK_NANOS);
        }
        sleep(TO_REACT_NANOS);
        if (!closed && code.isInside()) {
            LOG.error(
                    "{} Rank {} cannot stop yet: its thread ignores interrupts. Either it computes, or it waits for"
                            + " something. It ends when that code returns, or with its process. It is in {}",
                    loss(),
                    session.world().rank(),
                    code.whereabouts());
        }
    }

    /** Returns whether a report may be asked to look again: watching for a loss continues without it. */
    private static boolean looked(StallReport report) {
        try {
            report.look();
            return true;
        } catch (RuntimeException e) {
            LOG.error("stalls are no longer reported, since a report has failed", e);
            return false;
        }
    }

    /** The loss, in words, which the program may not be able to report any more. */
    private String loss() {
        try {
            check(code);
            return "The run has lost a rank.";
        } catch (GyreException lost) {
            return String.valueOf(lost.getMessage());
        }
    }

    private void sleep(long nanos) {
        long end = System.nanoTime() + nanos;
        for (long rest = nanos; !closed && rest > 0; rest = end - System.nanoTime()) {
            LockSupport.parkNanos(rest);
        }
    }

    /** Ends the thread. A second call does nothing. */
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
    }
}
