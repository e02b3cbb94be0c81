package io.gyre.samples.data;

/**
 * Random numbers from a seed and a position, the same on every machine and JDK: number {@code i} of a set can be drawn
 * without the previous ones.
 *
 * @see <a href="https://doi.org/10.1145/2660193.2660195">Steele, Lea and Flood, Fast splittable pseudorandom number
 *     generators, OOPSLA 2014</a>
 */
final class Noise {

    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

    /** Standard deviation of the sum of four independent numbers that are uniform in 0 to 1. */
    private static final float SPREAD_OF_FOUR = 0.57735026f;

    private long state;

    Noise(long seed, long position) {
        state = mix(mix(seed) + position * GOLDEN_GAMMA);
    }

    long nextLong() {
        state += GOLDEN_GAMMA;
        return mix(state);
    }

    /** Uniform in {@code from} to {@code to}. */
    double between(double from, double to) {
        return from + (to - from) * ((nextLong() >>> 11) * 0x1.0p-53);
    }

    /** Uniform in 0 (inclusive) to {@code bound} (exclusive). */
    int below(int bound) {
        return (int) Math.floorMod(nextLong() >>> 1, (long) bound);
    }

    /** Approximately normal with mean 0 and deviation 1, never beyond 3.5: the sum of four 16-bit numbers. */
    float bell() {
        long bits = nextLong();
        long sum = (bits & 0xFFFF) + (bits >>> 16 & 0xFFFF) + (bits >>> 32 & 0xFFFF) + (bits >>> 48);
        return (sum * 0x1.0p-16f - 2) / SPREAD_OF_FOUR;
    }

    private static long mix(long z) {
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }
}
