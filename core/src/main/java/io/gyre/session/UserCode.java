package io.gyre.session;

import io.gyre.GyreException;
import io.gyre.PeerLostException;
import java.nio.channels.ClosedByInterruptException;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Tracks one thread's execution of code outside Gyre, such as a program's listeners and iterators. Another thread may
 * interrupt that code. The interrupt does not outlast it: afterwards the thread's interrupt flag is restored.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread enters and leaves. Any other may query and interrupt. Nothing is locked or allocated.
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

    // Written before the state.
    private @Nullable Thread thread;
    private String what = "";
    private long step;

    // Used by the thread itself only.
    private boolean flagBefore;
    private boolean brokenOff;

    /**
     * Enters user code.
     *
     * @param what description of the code, for errors: a constant
     * @param step that it belongs to; {@link #NO_STEP} for none
     */
    public void enter(String what, long step) {
        Thread own = Thread.currentThread();
        thread = own;
        this.what = what;
        this.step = step;
        flagBefore = own.isInterrupted();
        state.set(INSIDE);
    }

    /** Leaves user code, whether it succeeded or not. Does nothing if not inside. */
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

    /** Whether the thread is inside user code now. */
    public boolean isInside() {
        return state.get() != OUTSIDE;
    }

    /** Interrupts the thread if it is inside, once per entry. Returns whether it was. */
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
     * Translates a failure of the code. If the code was interrupted because the run has lost a rank, by this object or
     * by another thread, the loss is the failure, and the exception of the code is its cause.
     *
     * @param failure thrown by the code; the caller's thread has left it
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

    /** Describes where the thread is, for a log: the code and its stack. */
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

    /** Description: {@code a listener of step 17}. */
    @Override
    public String toString() {
        return step == NO_STEP ? what : String.format(Locale.ROOT, "%s of step %d", what, step);
    }
}
