package io.gyre.dl4j;

import java.util.function.Supplier;
import org.nd4j.linalg.api.rng.Random;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs code whose draws from the thread's {@code Nd4j.getRandom()} come from a given seed. Afterwards the generator's
 * previous seed and state are restored, so the program's own sequence continues as if nothing had been drawn.
 */
final class SeededDraws {

    private SeededDraws() {}

    /**
     * Runs the code on the calling thread.
     *
     * @return its result
     */
    static <T> T call(long seed, Supplier<T> code) {
        Random random = Nd4j.getRandom();
        long ownSeed = random.getSeed();
        long root = random.rootState();
        long node = random.nodeState();
        random.setSeed(seed);
        try {
            return code.get();
        } finally {
            random.setSeed(ownSeed);
            random.setStates(root, node);
        }
    }
}
