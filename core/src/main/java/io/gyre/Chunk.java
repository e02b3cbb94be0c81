package io.gyre;

/**
 * The part of a vector that one rank owns during a collective. The first {@code elements % count} chunks have one
 * element more than the rest; with fewer elements than ranks some are empty.
 *
 * @param offset in elements
 * @param length in elements
 */
public record Chunk(long offset, long length) {

    /**
     * Cuts a vector.
     *
     * @param index which chunk, taken modulo {@code count}, so that a ring may count on past its end or back below 0
     * @param count number of chunks
     * @param elements length of the vector
     */
    public static Chunk of(int index, int count, long elements) {
        int i = Math.floorMod(index, count);
        return new Chunk(offset(i, count, elements), offset(i + 1, count, elements) - offset(i, count, elements));
    }

    /** Where chunk {@code index} of {@code count} begins, in elements; allocation-free. */
    public static long offset(int index, int count, long elements) {
        return index * (elements / count) + Math.min(index, elements % count);
    }
}
