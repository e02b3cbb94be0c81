package io.gyre.startup;

import java.util.concurrent.TimeUnit;

/**
 * How fast a rank's core computes and copies, while all ranks of the run do the same.
 *
 * @param mixesPerSecond rounds of a fixed chain of integer operations, which depends on the core's clock and on whether
 *     the rank has the core for itself
 * @param copiedBytesPerSecond copied from and to memory that no cache of a core holds
 */
public record HostSpeed(double mixesPerSecond, double copiedBytesPerSecond) {

    private static final int MIXES = 200_000;

    private static final int COPY_BYTES = 4 << 20;

    private static final long NANOS_EACH = TimeUnit.MILLISECONDS.toNanos(30);

    private static final int LEAST_ROUNDS = 3;

    /** Measures for about 60 ms, and keeps the best of many rounds: the first are not compiled yet. */
    static HostSpeed measure() {
        long[] state = {System.nanoTime()};
        double mixes = MIXES / bestSeconds(() -> state[0] = mix(state[0]));
        byte[] from = new byte[COPY_BYTES];
        byte[] to = new byte[COPY_BYTES];
        double copied = COPY_BYTES / bestSeconds(() -> System.arraycopy(from, 0, to, 0, COPY_BYTES));
        return new HostSpeed(mixes, copied);
    }

    /** Each round of xorshift needs the result of the one before, so only the clock of the core counts. */
    private static long mix(long seed) {
        long x = seed | 1;
        for (int i = 0; i < MIXES; i++) {
            x ^= x << 13;
            x ^= x >>> 7;
            x ^= x << 17;
        }
        return x;
    }

    private static double bestSeconds(Runnable work) {
        long begin = System.nanoTime();
        long now = begin;
        long best = Long.MAX_VALUE;
        for (int round = 0; round < LEAST_ROUNDS || now - begin < NANOS_EACH; round++) {
            work.run();
            long end = System.nanoTime();
            best = Math.min(best, Math.max(1, end - now));
            now = end;
        }
        return best / 1e9;
    }
}
