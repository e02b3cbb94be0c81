package io.gyre.cuda;

import java.util.function.LongFunction;

/**
 * A small cache of JCuda pointers by offset in a memory range: one object per offset, reused in every step. The oldest
 * is evicted.
 *
 * @param <P> kind of pointer
 */
final class OffsetCache<P> {

    private static final int ENTRIES = 64;

    private final LongFunction<P> maker;
    private final long[] offsets = new long[ENTRIES];
    private final Object[] pointers = new Object[ENTRIES];
    private int used;
    private int oldest;

    OffsetCache(LongFunction<P> maker) {
        this.maker = maker;
    }

    @SuppressWarnings("unchecked") // Only this class fills the array, with results of the maker.
    P at(long offset) {
        for (int i = 0; i < used; i++) {
            if (offsets[i] == offset) {
                return (P) pointers[i];
            }
        }
        int slot = oldest;
        oldest = (oldest + 1) % ENTRIES;
        used = Math.max(used, slot + 1);
        offsets[slot] = offset;
        pointers[slot] = maker.apply(offset);
        return (P) pointers[slot];
    }
}
