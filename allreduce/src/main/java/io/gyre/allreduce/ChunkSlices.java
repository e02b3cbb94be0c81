package io.gyre.allreduce;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.memory.Region;

/** Caches one chunk of each vector that a program reduces again and again, so that no call allocates. */
final class ChunkSlices {

    /** Usually more than a model has buckets. When full, the oldest entry is replaced. */
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
    @SuppressWarnings("ReferenceEquality") // The same vector, not an equal one.
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
