package io.gyre.session;

import io.gyre.GyreException;
import io.gyre.PeerLostException;
import java.nio.channels.ClosedByInterruptException;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The stays of one thread in code that is not Gyre's, such as a program's listeners and iterators. Another thread may
 * break a stay off by an interrupt, which does not outlast it: afterwards the thread's interrupt flag is what it was
 * before.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread enters and leaves. Any other may ask, and break off. Nothing is locked or allocated.
 * </dl>
 */
public final class UserCode {

    /** For code that belongs to no step. */
    public static final long NO_STEP = -1;

    private static final int OUTSIDE = 0;
    private static final int INSIDE = 1;
    private static final int INTERRUPTING = 2;
    private static final int INTERRUPTED = 3;

    private final AtomicInteger state = new AtomicInteger();

    // Written before the state is.
    private @Nullable Thread thread;
    private String what = "";
    private long step;

    // The thread's own.
    private boolean flagBefore;
    private boolean brokenOff;

    /**
     * Begins a stay.
     *
     * @param what the code, in words, for errors: a constant
     * @param step to which it belongs; {@link #NO_STEP} for none
     */
    public void enter(String what, long step) {
        Thread own = Thread.currentThread();
        thread = own;
        this.what = what;
        this.step = step;
        flagBefore = own.isInterrupted();
        state.set(INSIDE);
    }

    /** Ends a stay, however it went. Does nothing outside of one. */
    public void leave() {
        if (state.compareAndSet(INSIDE, OUTSIDE) || state.get() == OUTSIDE) {
            return;
        }
        while (state.get() == INTERRUPTING) {
            Thread.onSpinWait();
        }
        state.set(OUTSIDE);
        brokenOff = true;
        if (!flagBefore) {
            boolean unused = Thread.interrupted();
        }
    }

    /** Whether the thread is inside now. */
    public boolean isInside() {
        return state.get() != OUTSIDE;
    }

    /** Interrupts the thread if it is inside, once for each stay. Returns whether it was. */
    public boolean breakOff() {
        if (!state.compareAndSet(INSIDE, INTERRUPTING)) {
            return state.get() != OUTSIDE;
        }
        Thread inside = thread;
        if (inside != null) {
            inside.interrupt();
        }
        state.set(INTERRUPTED);
        return true;
    }

    /**
     * What a failure of the code means. If the code was broken off because the run has lost a rank, by this object or
     * by whoever else interrupted the thread, that is the failure, and what the code threw is its cause.
     *
     * @param failure what came out of the code; the caller's own thread is outside of it again
     * @param check fails if the run has lost a rank, as {@link Session#check(Object)} does
     */
    public Throwable explain(Throwable failure, Consumer<Object> check) {
        if (failure instanceof PeerLostException || !(brokenOff || isOfInterrupt(failure))) {
            return failure;
        }
        brokenOff = false;
        try {
            check.accept(this);
        } catch (GyreException lost) {
            lost.initCause(failure);
            return lost;
        }
        return failure;
    }

    private static boolean isOfInterrupt(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof InterruptedException || cause instanceof ClosedByInterruptException) {
                return true;
            }
        }
        return Thread.currentThread().isInterrupted();
    }

    /** Where the thread is, for a log: what it does, and its stack. */
    public String whereabouts() {
        Thread inside = thread;
        if (inside == null) {
            return toString();
        }
        StringBuilder text = new StringBuilder(toString()).append(", thread ").append(inside.getName());
        for (StackTraceElement frame : inside.getStackTrace()) {
            text.append("\n    at ").append(frame);
        }
        return text.toString();
    }

    /** The code in words: {@code a listener of step 17}. */
    @Override
    public String toString() {
        return step == NO_STEP ? what : String.format(Locale.ROOT, "%s of step %d", what, step);
    }
}
