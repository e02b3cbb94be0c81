package io.gyre.dl4j;

import io.gyre.memory.Region;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * How many updates each rank has begun in memory that they share, and how many it has finished: if the numbers are all
 * the same, the memory holds whole updates only.
 *
 * <p>A rank marks the beginning before its first write, and the end after its last. So a rank that has copied the memory
 * and then finds all numbers equal to its own has copied nothing of an update that is not whole: another could not have
 * finished that update, or begun the next, without it.
 */
final class UpdateMarks {

    private static final VarHandle LONG = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private static final int BEGUN = 0;
    private static final int FINISHED = Long.BYTES;

    /** Processors fetch cache lines in pairs. */
    private static final int BYTES_EACH = 128;

    private final Region memory;
    private final int rank;
    private final int ranks;
    private long count;

    /**
     * Creates the marks of one rank.
     *
     * @param memory shared by the ranks; zeroed, of {@link #bytes} bytes in one piece
     */
    UpdateMarks(Region memory, int rank, int ranks) {
        this.memory = memory;
        this.rank = rank;
        this.ranks = ranks;
    }

    /** The memory that the marks take. */
    static long bytes(int ranks) {
        return (long) BYTES_EACH * ranks;
    }

    /** Called before the first write. */
    void begin() {
        count++;
        LONG.setVolatile(memory.window(0), at(rank, BEGUN), count);
        VarHandle.fullFence();
    }

    /** Called after the last write. */
    void finish() {
        LONG.setVolatile(memory.window(0), at(rank, FINISHED), count);
    }

    /** Whether what this rank has read before this call is of whole updates. */
    boolean areEqual() {
        VarHandle.fullFence();
        for (int each = 0; each < ranks; each++) {
            if (read(each, BEGUN) != count || read(each, FINISHED) != count) {
                return false;
            }
        }
        return true;
    }

    private long read(int each, int mark) {
        return (long) LONG.getVolatile(memory.window(0), at(each, mark));
    }

    private int at(int each, int mark) {
        return memory.windowOffset((long) BYTES_EACH * each + mark);
    }
}
