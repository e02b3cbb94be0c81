package io.gyre.paramserver;

import io.gyre.memory.Region;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Locks in memory that several processes have mapped. A process that is lost while it holds a lock blocks no other.
 *
 * <p>A lock is one word: 0 when it is free, otherwise the process that holds it. The low half is its rank + 1, the high
 * half the incarnation of that rank. The rank alone would not do: a restarted worker has the same rank, and is alive.
 *
 * <pre>
 *   free --CAS(0, own)--> own            the normal way; unlock stores 0
 *   lost --CAS(lost, own)--> own         a process that finds the holder lost takes over its lock
 * </pre>
 *
 * <p><b>Invariants.</b> A process writes its own word only by a compare-and-set, and 0 only into a lock that it holds.
 * So at most one living process is between {@link #lock} and {@link #unlock}. Of several that find a lost holder one
 * wins, since all compare with the same word. The release store orders the holder's changes before the next holder's
 * reads.
 *
 * <p><b>Partial changes.</b> A process that is lost while it holds a lock may have applied a part of its change. The
 * next holder logs that, and continues with the part in the data. The change was never acknowledged.
 *
 * <p><b>Lost holders.</b> A holder whose incarnation is below the known one of its rank has been replaced. One above it
 * is alive: it started so recently that this process has not heard of it. For the known one, the session says whether
 * it has left or is lost.
 */
final class StripeLocks {

    private static final Logger LOG = LoggerFactory.getLogger(StripeLocks.class);

    private static final VarHandle WORD = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

    /** A lock has its own cache line, so that waiting for one does not slow down the holder of another. */
    static final long LINE_BYTES = 64;

    /** Adding to a stripe takes about ten microseconds: about as long as this, and less than a pause. */
    private static final int SPINS = 300;

    private final Region memory;
    private final long offset;
    private final Guard guard;
    private final long own;
    private final String of;

    /** What a process that waits for a lock must know. */
    interface Guard {

        /** Waits a little; fails if the wait has become hopeless. */
        void pause();

        /** Whether a rank has left or is lost. */
        boolean hasEnded(int rank);

        /** Number of earlier processes of a rank. */
        default int incarnation(int rank) {
            return 0;
        }
    }

    /**
     * Creates a view of existing or new locks.
     *
     * @param memory that holds them; zeros when they are new
     * @param offset of the first; the next is {@link #LINE_BYTES} later
     * @param rank that takes them through this object
     * @param of what they protect, for the log
     */
    StripeLocks(Region memory, long offset, int rank, Guard guard, String of) {
        this.memory = memory;
        this.offset = offset;
        this.guard = guard;
        this.of = of;
        own = word(rank, guard.incarnation(rank));
    }

    private static long word(int rank, int incarnation) {
        return (long) incarnation << Integer.SIZE | (rank + 1);
    }

    /** Takes a lock, and waits for it as long as its holder is alive and the guard does not fail. */
    void lock(long stripe) {
        long at = offset + LINE_BYTES * stripe;
        for (int tries = 0; !compareAndSet(at, 0, own); tries++) {
            long holder = (long) WORD.getVolatile(memory.window(at), memory.windowOffset(at));
            if (holder != 0 && holder != own && hasEnded(holder)) {
                if (compareAndSet(at, holder, own)) {
                    int rank = (int) holder - 1;
                    LOG.warn(
                            "rank {} died while it changed stripe {} of {}: it may have changed a part",
                            rank,
                            stripe,
                            of);
                    return;
                }
            } else if (tries < SPINS) {
                Thread.onSpinWait();
            } else {
                guard.pause();
            }
        }
    }

    /** Releases a lock that this process holds. */
    void unlock(long stripe) {
        long at = offset + LINE_BYTES * stripe;
        WORD.setRelease(memory.window(at), memory.windowOffset(at), 0L);
    }

    private boolean compareAndSet(long at, long expected, long value) {
        return WORD.compareAndSet(memory.window(at), memory.windowOffset(at), expected, value);
    }

    private boolean hasEnded(long holder) {
        int rank = (int) holder - 1;
        int incarnation = (int) (holder >>> Integer.SIZE);
        int known = guard.incarnation(rank);
        return incarnation < known || (incarnation == known && guard.hasEnded(rank));
    }
}
