package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The memory of a shard, which several processes may have mapped and change concurrently. Each stripe has a lock
 * ({@link StripeLocks}), so that many can add at once and nothing is lost.
 *
 * <p>A change is atomic in each stripe, but not in the whole; a read takes no locks, and may see a part of a change.
 *
 * <pre>
 *  0  long  number of changes
 *  8  long  1 once the buffer has been freed
 * 64  long  lock of stripe 0; the next one 64 bytes later
 *     data, from the next multiple of 4096
 * </pre>
 */
final class StripedMemory {

    private static final VarHandle WORD = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

    /** Fits in a second-level cache, and is large enough to amortise a lock. */
    private static final long STRIPE_BYTES = 256 << 10;

    private static final long PAGE_BYTES = 4096;
    private static final long CHANGES_AT = 0;
    private static final long FREED_AT = 8;
    private static final long LOCKS_AT = StripeLocks.LINE_BYTES;

    private final Region whole;
    private final Region data;
    private final String box;
    private final int rank;
    private final StripeLocks locks;

    /**
     * Creates a view of a shard's memory.
     *
     * @param whole memory of {@link #wholeBytes}; zeros when it is new
     * @param box name of the memory box that holds it; empty if it is not shared
     * @param rank that uses it through this object
     */
    StripedMemory(Region whole, long dataBytes, String box, int rank, StripeLocks.Guard guard) {
        this.whole = whole;
        this.data = whole.slice(whole.byteLength() - dataBytes, dataBytes);
        this.box = box;
        this.rank = rank;
        locks = new StripeLocks(whole, LOCKS_AT, rank, guard, toString());
    }

    /** Memory for that many bytes of data, including locks and counters. */
    static long wholeBytes(long dataBytes) {
        long head = LOCKS_AT + StripeLocks.LINE_BYTES * stripes(dataBytes);
        return (head + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES + dataBytes;
    }

    private static long stripes(long dataBytes) {
        return (dataBytes + STRIPE_BYTES - 1) / STRIPE_BYTES;
    }

    /** The data, for access without locks. */
    Region data() {
        return data;
    }

    /** Name of the memory box that holds it; empty if it is not shared. */
    String box() {
        return box;
    }

    /** Number of changes so far. */
    long changes() {
        return (long) WORD.getVolatile(whole.window(CHANGES_AT), whole.windowOffset(CHANGES_AT));
    }

    private void changed() {
        WORD.getAndAdd(whole.window(CHANGES_AT), whole.windowOffset(CHANGES_AT), 1L);
    }

    /** Continues from the number of changes of another copy. */
    void countFrom(long changes) {
        WORD.setVolatile(whole.window(CHANGES_AT), whole.windowOffset(CHANGES_AT), changes);
    }

    boolean isFreed() {
        return (long) WORD.getVolatile(whole.window(FREED_AT), whole.windowOffset(FREED_AT)) != 0;
    }

    void markFreed() {
        WORD.setVolatile(whole.window(FREED_AT), whole.windowOffset(FREED_AT), 1L);
    }

    void read(Region into) {
        whole.enter("a read of a soft memory box");
        try {
            Vectors.copy(into, data);
        } finally {
            whole.exit();
        }
    }

    /** Fills all of it, without locks: for memory that has one writer, which says when others may read. */
    void fill(Region from) {
        whole.enter("a push through shared memory");
        try {
            Vectors.copy(data, from);
        } finally {
            whole.exit();
        }
    }

    /** Replaces the data at {@code offset}. */
    void write(long offset, Region from) {
        change(offset, from, (at, part) -> Vectors.copy(data.slice(at, part.byteLength()), part));
    }

    /** Adds to the data at {@code offset}. */
    void accumulate(Kernels kernels, ElementType type, long offset, Region delta) {
        change(
                offset,
                delta,
                (at, part) -> kernels.reduce(ReduceOp.SUM, type, data.slice(at, part.byteLength()), part));
    }

    /** Adds to the double at the start, and returns its previous value. */
    double getAndAdd(double delta) {
        whole.enter("a count in a soft memory box");
        try {
            locks.lock(0);
            try {
                double before = data.getDouble(0);
                data.putDouble(0, before + delta);
                return before;
            } finally {
                locks.unlock(0);
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
            // Concurrent writers start at different stripes, and so rarely collide.
            long first = count == 0 ? 0 : rank * 7L % count;
            for (long i = 0; i < count; i++) {
                long stripe = (first + i) % count;
                long from = Math.max(offset, stripe * STRIPE_BYTES);
                long to = Math.min(offset + argument.byteLength(), (stripe + 1) * STRIPE_BYTES);
                if (from < to) {
                    locks.lock(stripe);
                    try {
                        change.apply(from, argument.slice(from - offset, to - from));
                    } finally {
                        locks.unlock(stripe);
                    }
                }
            }
            changed();
        } finally {
            whole.exit();
        }
    }

    @Override
    public String toString() {
        return "shared memory '" + box + "' of " + data.byteLength() + " bytes";
    }
}
