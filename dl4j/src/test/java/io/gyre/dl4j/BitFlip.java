package io.gyre.dl4j;

import io.gyre.memory.Region;
import java.util.Random;

/**
 * One bit of one rank's memory that changes during a training.
 *
 * @param rank whose memory it is
 * @param step number of steps finished before
 * @param place position of the bit in the vector, between 0 and 1
 */
record BitFlip(Where where, int rank, int step, double place) {

    /** Which memory a bit changes in, and when. */
    enum Where {
        /** After all ranks have received the initial state. */
        START,
        /** After an update. */
        PARAMETERS,
        /** During a backward pass. */
        PARAMETERS_IN_PASS,
        UPDATER_STATE,
        UPDATER_STATE_IN_PASS,
        /** A rank's own gradients, while they wait for the exchange. */
        GRADIENTS,
        /** The gradients' sums, before ranks report on them. */
        SUMS,
        /** Not a bit, but a whole element of the sums becomes NaN. */
        NAN_IN_SUMS,
        /** The gradients' sums, after the report and before the update. */
        SUMS_AFTER_REPORT
    }

    /** In one of the ranks, after any step but the first and the last. */
    static BitFlip random(Random random, Where where, int ranks, int steps) {
        return new BitFlip(where, random.nextInt(ranks), 1 + random.nextInt(steps - 2), random.nextDouble());
    }

    /** Changes the bit. */
    void apply(Region memory) {
        long bit = (long) (place * memory.byteLength() * Byte.SIZE);
        long at = bit / Byte.SIZE;
        if (where == Where.NAN_IN_SUMS) {
            memory.putFloat(at / Float.BYTES * Float.BYTES, Float.NaN);
            return;
        }
        int offset = memory.windowOffset(at);
        memory.window(at).put(offset, (byte) (memory.window(at).get(offset) ^ (1 << bit % Byte.SIZE)));
    }
}
