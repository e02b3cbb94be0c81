package io.gyre.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Caches typed views of the few byte buffers that a collective uses, so that no call creates them. Buffers are compared
 * by identity, and kept reachable; when full, the oldest entry is replaced. Use it from one thread at a time.
 *
 * @param <V> type of the view, such as {@link java.nio.FloatBuffer}
 */
public final class ViewCache<V> {

    /** A rank uses the windows of a few regions, and up to three buffers for each of a few peers. */
    private static final int ENTRIES = 32;

    private final Function<ByteBuffer, V> maker;
    private final @Nullable ByteBuffer[] buffers = new ByteBuffer[ENTRIES];
    private final int[] phases = new int[ENTRIES];
    private final Object[] views = new Object[ENTRIES];
    private int oldest;

    /**
     * Creates an empty cache.
     *
     * @param maker creates the view that begins at the buffer's position
     */
    public ViewCache(Function<ByteBuffer, V> maker) {
        this.maker = maker;
    }

    /**
     * Returns the view in native byte order.
     *
     * @param phase bytes to skip at the start, for memory whose elements are not aligned to the buffer's start
     */
    @SuppressWarnings("ReferenceEquality") // Buffers with equal contents are still different memory.
    public V of(ByteBuffer buffer, int phase) {
        for (int i = 0; i < ENTRIES; i++) {
            if (buffers[i] == buffer && phases[i] == phase) {
                return known(i);
            }
        }
        int slot = oldest;
        oldest = (oldest + 1) % ENTRIES;
        ByteBuffer whole = buffer.duplicate().clear().position(phase).order(ByteOrder.nativeOrder());
        views[slot] = maker.apply(whole);
        buffers[slot] = buffer;
        phases[slot] = phase;
        return known(slot);
    }

    @SuppressWarnings("unchecked") // Only this class fills the array, with the maker's results.
    private V known(int slot) {
        return (V) views[slot];
    }
}
