package io.gyre.allreduce;

/** Draws columns of factors, uniformly from -1 to 1: a function of seed, step and position, the same on all ranks. */
final class ColumnDraws {

    private static final long GOLDEN = 0x9e37_79b9_7f4a_7c15L;

    private final long seed;

    ColumnDraws(long seed) {
        this.seed = seed;
    }

    /**
     * Draws one.
     *
     * @param matrix position of its matrix in the vector
     * @param column its number
     */
    void draw(long step, long matrix, int column, float[] into, int offset, int length) {
        long state = mix(mix(mix(mix(seed) ^ step) ^ matrix) ^ column);
        for (int i = 0; i < length; i++) {
            state += GOLDEN;
            into[offset + i] = (mix(state) >>> 40) * 0x1p-23f - 1;
        }
    }

    /** The finaliser of SplitMix64: Steele, Lea and Flood, OOPSLA 2014. */
    private static long mix(long value) {
        long z = (value ^ (value >>> 30)) * 0xbf58_476d_1ce4_e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d0_49bb_1331_11ebL;
        return z ^ (z >>> 31);
    }
}
