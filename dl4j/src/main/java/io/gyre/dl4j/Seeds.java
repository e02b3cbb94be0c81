package io.gyre.dl4j;

/** Derives independent seeds from one: every place that draws random numbers has a path of numbers as its name. */
final class Seeds {

    private Seeds() {}

    /** Seed for the place named by {@code path}, in a run with this seed. */
    static long derive(long seed, long... path) {
        long mixed = mix(seed);
        for (long part : path) {
            mixed = mix(mixed ^ mix(part));
        }
        return mixed;
    }

    /**
     * SplitMix64: spreads neighbouring numbers over all 64 bits.
     *
     * @see <a href="https://doi.org/10.1145/2660193.2660195">Steele, Lea and Flood, Fast splittable pseudorandom number
     *     generators, OOPSLA 2014</a>
     */
    private static long mix(long value) {
        long z = value + 0x9e3779b97f4a7c15L;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
