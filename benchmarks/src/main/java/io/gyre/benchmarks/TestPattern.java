package io.gyre.benchmarks;

import io.gyre.GyreException;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * Vectors with a known sum that differ in every round: a result that is stale, misplaced or lacks a rank is detected at
 * nearly every element.
 *
 * <p>Element {@code i} of rank {@code r} in round {@code k} is {@code h(i, k) + r}, where h is a hash in 0 to 4,095.
 * All sums are integers below 2^24, so they are exact in any order.
 */
final class TestPattern {

    private static final int BLOCK = 4096;

    private final float[] values = new float[BLOCK];
    private final ByteBuffer block =
            ByteBuffer.allocateDirect(BLOCK * Float.BYTES).order(ByteOrder.nativeOrder());
    private final FloatBuffer floats = block.asFloatBuffer();

    /** Writes the vector of one rank. */
    void fill(Region vector, int rank, int round) {
        long count = vector.byteLength() / Float.BYTES;
        for (long done = 0; done < count; done += BLOCK) {
            int n = (int) Math.min(BLOCK, count - done);
            values(done, round, 1, rank, n);
            floats.put(0, values, 0, n);
            vector.copyFrom(done * Float.BYTES, block, 0, n * Float.BYTES);
        }
    }

    /**
     * Compares every element with the sum over all ranks.
     *
     * @throws GyreException naming the first that is wrong
     */
    void check(Region sum, int ranks, int round) {
        long count = sum.byteLength() / Float.BYTES;
        for (long done = 0; done < count; done += BLOCK) {
            int n = (int) Math.min(BLOCK, count - done);
            values(done, round, ranks, ranks * (ranks - 1) / 2, n);
            sum.copyTo(done * Float.BYTES, block, 0, n * Float.BYTES);
            int wrong = firstDifference(n);
            if (wrong < n) {
                throw new GyreException(
                        "wrong sum of %,d bytes over %d ranks, round %,d: element %,d of %,d is %s, not %s"
                                .formatted(
                                        sum.byteLength(),
                                        ranks,
                                        round,
                                        done + wrong,
                                        count,
                                        floats.get(wrong),
                                        values[wrong]));
            }
        }
    }

    private void values(long first, int round, int factor, int summand, int n) {
        for (int i = 0; i < n; i++) {
            int scattered = (((int) first + i + round * 0x9e37_79b9) * 0x85eb_ca6b) >>> 20;
            values[i] = scattered * factor + summand;
        }
    }

    private int firstDifference(int n) {
        for (int i = 0; i < n; i++) {
            if (floats.get(i) != values[i]) {
                return i;
            }
        }
        return n;
    }
}
