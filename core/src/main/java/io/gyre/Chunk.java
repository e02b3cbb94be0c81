package io.gyre;

/**
 * The part of a vector that one rank owns during a collective. The first {@code elements % count} chunks have one
 * element more than the rest; with fewer elements than ranks, some chunks are empty.
 *
 * @param offset in elements
 * @param length in elements
 */
public record Chunk(long offset, long length) {

    /**
     * Computes one chunk of a vector.
     *
     * @param index number of the chunk, taken modulo {@code count}, so that a ring may count past its end or below 0
     * @param count number of chunks
     * @param elements length of the vector
     */
    public static Chunk of(int index, int count, long elements) {
        int i = Math.floorMod(index, count);
        return new Chunk(offset(i, count, elements), offset(i + 1, count, elements) - offset(i, count, elements));
    }

    /** Offset of chunk {@code index} of {@code count}, in elements; does not allocate. */
    public static long offset(int index, int count, long elements) {
        return index * (elements / count) + Math.min(index, elements % count);
    }
}
