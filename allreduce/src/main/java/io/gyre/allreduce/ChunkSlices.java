package io.gyre.allreduce;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.memory.Region;

/** One chunk of each of the vectors that a program combines again and again, so that no call makes an object. */
final class ChunkSlices {

    /** More vectors than a model has buckets, as a rule; with more, the oldest makes room. */
    private static final int ENTRIES = 64;

    private final int chunk;
    private final int chunks;
    private final Region[] wholes = new Region[ENTRIES];
    private final Region[] slices = new Region[ENTRIES];
    private final ElementType[] types = new ElementType[ENTRIES];
    private int oldest;

    ChunkSlices(int chunk, int chunks) {
        this.chunk = chunk;
        this.chunks = chunks;
    }

    /** The chunk of a vector. */
    @SuppressWarnings("ReferenceEquality") // The same vector, and not an equal one.
    Region of(Region whole, ElementType type) {
        for (int i = 0; i < ENTRIES; i++) {
            if (wholes[i] == whole && types[i] == type) {
                return slices[i];
            }
        }
        long elements = whole.byteLength() / type.bytes();
        long from = Chunk.offset(chunk, chunks, elements) * type.bytes();
        long to = Chunk.offset(chunk + 1, chunks, elements) * type.bytes();
        Region slice = whole.slice(from, to - from);
        wholes[oldest] = whole;
        types[oldest] = type;
        slices[oldest] = slice;
        oldest = (oldest + 1) % ENTRIES;
        return slice;
    }
}
