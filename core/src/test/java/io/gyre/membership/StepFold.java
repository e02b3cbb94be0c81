package io.gyre.membership;

/**
 * What the program of {@link SimulatedSeats} computes: a hash that each step folds the contributions of all seats into.
 * A step that is left out, applied twice, or computed from another state gives another hash.
 */
final class StepFold {

    private final long[] states;

    /** Computes the hashes of a whole run. */
    StepFold(int seats, int steps) {
        states = new long[steps + 1];
        for (int step = 0; step < steps; step++) {
            long[] parts = new long[seats];
            for (int seat = 0; seat < seats; seat++) {
                parts[seat] = contribution(states[step], seat, step);
            }
            states[step + 1] = next(states[step], parts);
        }
    }

    /** The hash after so many steps. */
    long after(long steps) {
        return states[(int) steps];
    }

    /** The hash after all steps. */
    long result() {
        return states[states.length - 1];
    }

    /** Everything that a seat adds in a step follows from the state before, the seat and the step. */
    static long contribution(long hash, int seat, long step) {
        return mix(hash ^ mix(31L * seat + 7 + (step << 20)));
    }

    /** The hash after a step, from the one before and the contributions by seat. */
    static long next(long hash, long[] parts) {
        long next = hash;
        for (long part : parts) {
            next = mix(next + part);
        }
        return next;
    }

    private static long mix(long value) {
        long z = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
