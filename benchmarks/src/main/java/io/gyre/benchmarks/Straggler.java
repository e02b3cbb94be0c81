package io.gyre.benchmarks;

import java.util.SplittableRandom;

/** Which worker is slow. */
enum Straggler {
    /** The last worker, all the time. */
    ALWAYS {
        @Override
        boolean isSlow(int worker, int workers, long step) {
            return worker == workers - 1;
        }
    },
    /** In each step one worker, drawn at random. */
    MOVING {
        @Override
        boolean isSlow(int worker, int workers, long step) {
            return new SplittableRandom(step).nextInt(workers) == worker;
        }
    };

    /** Whether a worker is slow in its own step of this number. */
    abstract boolean isSlow(int worker, int workers, long step);
}
