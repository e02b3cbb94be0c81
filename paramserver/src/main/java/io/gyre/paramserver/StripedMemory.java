package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A shard that several processes may have mapped and change at the same time. It is cut into stripes, each with a lock in the
 * shared memory itself, so that many can add to it at once and nothing is lost.
 *
 * <p>A lock holds the number of the rank that has taken it, and which of its processes that was, so that others can tell whether
 * that still lives: they take over the lock of a dead one. Its change, of which nobody has been told that it happened, is then in some stripes and not in others.
 *
 * <pre>
 *  0  long  number of changes
 *  8  long  1 once the buffer has been freed
 * 64  long  lock of stripe 0: 0, or rank + 1 in the low half and its incarnation in the high; the next 64 bytes later
 *     data, from the next multiple of 4096
 * </pre>
 */
final class StripedMemory {

    private static final Logger LOG = LoggerFactory.getLogger(StripedMemory.class);

    private static final VarHandle WORD = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

    /** Fits a second-level cache, and is worth the hand-over of a lock. */
    private static final long STRIPE_BYTES = 256 << 10;

    /** A stripe takes some ten microseconds to add: about as long as this, and less than a pause. */
    private static final int SPINS = 300;

    private static final long LINE_BYTES = 64;
    private static final long PAGE_BYTES = 4096;
    private static final long FREED_AT = 8;

    private final Region whole;
    private final Region data;
    private final String shared;
    private final int rank;
    private final long own;
    private final Guard guard;

    /** What whoever waits for a lock asks for. */
    interface Guard {

        /** Waits a little; fails if the wait has become hopeless. */
        void pause();

        /** Whether a rank is dead. */
        boolean hasGone(int rank);

        /** How many processes have been this rank before. */
        default int incarnation(int rank) {
            return 0;
        }
    }

    /**
     * Looks at a shard.
     *
     * @param whole of {@link #wholeBytes}; zeros when it is new
     * @param shared name of the box in which it lies; empty if nobody else sees it
     * @param rank who uses it through this object
     */
    StripedMemory(Region whole, long dataBytes, String shared, int rank, Guard guard) {
        this.whole = whole;
        this.data = whole.slice(whole.byteLength() - dataBytes, dataBytes);
        this.shared = shared;
        this.rank = rank;
        this.guard = guard;
        own = (long) guard.incarnation(rank) << Integer.SIZE | (rank + 1);
    }

    /** Memory for so many bytes of data with all that belongs to it. */
    static long wholeBytes(long dataBytes) {
        long head = LINE_BYTES * (1 + stripes(dataBytes));
        return (head + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES + dataBytes;
    }

    private static long stripes(long dataBytes) {
        return (dataBytes + STRIPE_BYTES - 1) / STRIPE_BYTES;
    }

    /** The data; no lock protects who uses them so. */
    Region data() {
        return data;
    }

    /** Name of the box in which it lies; empty if nobody else sees it. */
    String shared() {
        return shared;
    }

    /** Number of changes so far. */
    long changes() {
        return (long) WORD.getVolatile(whole.window(0), whole.windowOffset(0));
    }

    /** Notes a change. */
    void changed() {
        WORD.getAndAdd(whole.window(0), whole.windowOffset(0), 1L);
    }

    boolean isFreed() {
        return (long) WORD.getVolatile(whole.window(FREED_AT), whole.windowOffset(FREED_AT)) != 0;
    }

    void markFreed() {
        WORD.setVolatile(whole.window(FREED_AT), whole.windowOffset(FREED_AT), 1L);
    }

    /** Copies all of it. */
    void read(Region into) {
        whole.enter("a read of a soft memory box");
        try {
            Vectors.copy(into, data);
        } finally {
            whole.exit();
        }
    }

    /** Fills all of it, without locks: for memory that has one writer, which says when another may read. */
    void fill(Region from) {
        whole.enter("a push that is left in shared memory");
        try {
            Vectors.copy(data, from);
        } finally {
            whole.exit();
        }
    }

    /** Replaces what is at {@code offset}. */
    void write(long offset, Region from) {
        change(offset, from, (at, part) -> Vectors.copy(data.slice(at, part.byteLength()), part));
    }

    /** Adds to what is at {@code offset}. */
    void accumulate(Kernels kernels, ElementType type, long offset, Region delta) {
        change(
                offset,
                delta,
                (at, part) -> Vectors.add(kernels, ReduceOp.SUM, type, data.slice(at, part.byteLength()), part));
    }

    /** Adds to the double at the beginning, and returns what it was. */
    double getAndAdd(double delta) {
        whole.enter("a count in a soft memory box");
        try {
            lock(0);
            try {
                double before = data.getDouble(0);
                data.putDouble(0, before + delta);
                return before;
            } finally {
                unlock(0);
                changed();
            }
        } finally {
            whole.exit();
        }
    }

    @FunctionalInterface
    private interface Change {
        void apply(long at, Region part);
    }

    private void change(long offset, Region argument, Change change) {
        whole.enter("a change of a soft memory box");
        try {
            long count = stripes(data.byteLength());
            // Those who change it at the same time begin at different places, and so rarely meet.
            long first = count == 0 ? 0 : rank * 7L % count;
            for (long i = 0; i < count; i++) {
                long stripe = (first + i) % count;
                long from = Math.max(offset, stripe * STRIPE_BYTES);
                long to = Math.min(offset + argument.byteLength(), (stripe + 1) * STRIPE_BYTES);
                if (from < to) {
                    lock(stripe);
                    try {
                        change.apply(from, argument.slice(from - offset, to - from));
                    } finally {
                        unlock(stripe);
                    }
                }
            }
            changed();
        } finally {
            whole.exit();
        }
    }

    private void lock(long stripe) {
        long at = LINE_BYTES * (1 + stripe);
        int spins = 0;
        while (!WORD.compareAndSet(whole.window(at), whole.windowOffset(at), 0L, own)) {
            long holder = (long) WORD.getVolatile(whole.window(at), whole.windowOffset(at));
            if (holder != 0 && holder != own && hasGone(holder)) {
                if (WORD.compareAndSet(whole.window(at), whole.windowOffset(at), holder, own)) {
                    LOG.warn(
                            "rank {} died while it changed stripe {} of {}: a part of that change may be in it",
                            (int) holder - 1,
                            stripe,
                            this);
                    return;
                }
            } else if (++spins < SPINS) {
                Thread.onSpinWait();
            } else {
                guard.pause();
            }
        }
    }

    private boolean hasGone(long holder) {
        int of = (int) holder - 1;
        int incarnation = (int) (holder >>> Integer.SIZE);
        int known = guard.incarnation(of);
        // One that is not known yet has just come.
        return incarnation < known || (incarnation == known && guard.hasGone(of));
    }

    private void unlock(long stripe) {
        long at = LINE_BYTES * (1 + stripe);
        WORD.setRelease(whole.window(at), whole.windowOffset(at), 0L);
    }

    @Override
    public String toString() {
        return "shared memory '" + shared + "' of " + data.byteLength() + " bytes";
    }
}
