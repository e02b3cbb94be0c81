package io.gyre.dl4j.memory;

import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Keeps Deeplearning4j 1.0.0-M2.1 from crashing during a garbage collection, and its native memory from growing between
 * collections.
 *
 * <p>Call {@code SafeReclamation.install()} at the beginning of a program; or, for a part of it:
 *
 * <pre>{@code
 * try (SafeReclamation reclamation = SafeReclamation.install()) {
 *     model.fit(data, epochs);
 * }
 * }</pre>
 *
 * <p>ND4J frees the memory of an array once the array is unreachable, although a native call may still read it: such a
 * call holds the address, not the array. The process then dies of SIGSEGV, or computes with whatever is stored there
 * next. While this object is open, memory is freed only after every call that may have taken the address has provably
 * ended, and two seconds have passed. See {@code docs/crashes.md}.
 *
 * <p><b>This changes ND4J's global state</b>: it ends the threads of ND4J's {@code DeallocatorService} and drains their
 * queues on its own daemon thread. This affects all arrays, workspaces and contexts of this JVM, on CPU and GPUs. It
 * happens once, however many objects are open; when the last is closed, ND4J's threads run again, and the daemon thread
 * ends once it has freed what it had found.
 *
 * <p>When native memory has grown by half of what is in use, and by {@value #LIMIT_MEGABYTES} MB at least, the thread
 * asks for a collection ({@code System.gc()}) and does not wait for the two seconds to pass. It never frees what may be
 * in use: if a single call takes so long that memory runs short, a warning names it.
 *
 * <p>Not covered: a virtual thread that is unmounted from its carrier between taking an address and the call, for
 * longer than the two seconds, and code outside ND4J that takes an address ({@code DataBuffer.addressPointer}) and does
 * not keep the array reachable while it uses it. Such code must call {@code Reference.reachabilityFence}.
 *
 * <p>Thread-safe. A second {@link #close} does nothing.
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
     * Begins to free memory safely, unless already active.
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

    /** The active reclaimer; null if there is none. */
    static @Nullable Reclaimer reclaimer() {
        synchronized (SafeReclamation.class) {
            return reclaimer;
        }
    }

    /** Hands freeing back to ND4J if no other object is open. */
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
