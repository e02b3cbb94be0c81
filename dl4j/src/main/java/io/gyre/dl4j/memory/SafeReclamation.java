package io.gyre.dl4j.memory;

import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Keeps Deeplearning4j 1.0.0-M2.1 from crashing in a collection of garbage, and its native memory from growing between
 * them.
 *
 * <p>{@code SafeReclamation.install()} at the beginning of a program is enough; or, for a part of it:
 *
 * <pre>{@code
 * try (SafeReclamation reclamation = SafeReclamation.install()) {
 *     model.fit(data, epochs);
 * }
 * }</pre>
 *
 * <p>ND4J frees the memory of an array when Java cannot reach the array any more, though a native call may still read
 * it: such a call gets the address and not the array. The process then ends with SIGSEGV, or computes with what lies
 * there next. While this object is open, memory goes back only once it has been proved that every call which may have
 * taken the address has ended, and two seconds have passed. See {@code docs/operations.md}.
 *
 * <p><b>This changes ND4J's global state</b>: it ends the threads of ND4J's {@code DeallocatorService} and works off
 * their queues by a daemon thread of its own. All arrays, workspaces and contexts of this JVM are concerned, on CPU and
 * GPUs. It happens once, however many objects are open; when the last is closed, ND4J's threads run again as before,
 * and the thread ends as soon as it has freed what it had found.
 *
 * <p>When native memory has grown by half of what is in use, and by {@value #LIMIT_MEGABYTES} MB at least, the thread
 * asks for a collection ({@code System.gc()}) and does not wait for the two seconds to pass. It never frees what may be
 * in use: if a single call takes so long that memory is short, a warning names it.
 *
 * <p>Not covered: a virtual thread that is taken off its carrier between taking an address and the call, for longer
 * than the two seconds, and code outside ND4J that takes an address ({@code DataBuffer.addressPointer}) and lets go of
 * the array while it uses it. Such code calls {@code Reference.reachabilityFence}.
 *
 * <p>Threading: any. A second {@link #close} does nothing.
 */
public final class SafeReclamation implements AutoCloseable {

    /** Growth of native memory that is always allowed, in MB. */
    static final int LIMIT_MEGABYTES = 256;

    private static int open;
    private static @Nullable DeallocationQueues queues;
    private static @Nullable Reclaimer reclaimer;

    private final AtomicBoolean closed = new AtomicBoolean();

    private SafeReclamation() {}

    /**
     * Begins to free memory safely, unless that is so already.
     *
     * @throws UnsupportedOperationException if this is not ND4J 1.0.0-M2.1
     */
    public static SafeReclamation install() {
        synchronized (SafeReclamation.class) {
            if (open == 0) {
                DeallocationQueues ofNd4j = new DeallocationQueues();
                if (ofNd4j.inUse()) {
                    ofNd4j.takeOver();
                    Reclaimer started = new Reclaimer(ofNd4j, (long) LIMIT_MEGABYTES << 20);
                    started.start();
                    queues = ofNd4j;
                    reclaimer = started;
                }
            }
            open++;
            return new SafeReclamation();
        }
    }

    /** The one that is at work; null if none is. */
    static @Nullable Reclaimer reclaimer() {
        synchronized (SafeReclamation.class) {
            return reclaimer;
        }
    }

    /** Gives its work back to ND4J if no other is open. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        synchronized (SafeReclamation.class) {
            open--;
            if (open == 0 && reclaimer != null && queues != null) {
                reclaimer.close();
                queues.copyBack();
                reclaimer = null;
                queues = null;
            }
        }
    }
}
