package io.gyre.allreduce;

import io.gyre.memory.Region;
import java.util.SplittableRandom;

/** Vectors of floats whose sums depend on the order of their terms. */
final class Floats {

    private Floats() {}

    /** A rank's values: random, and of very different magnitudes. */
    static float[] of(int rank, int length) {
        SplittableRandom random = new SplittableRandom(rank);
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) (random.nextDouble(-1, 1) * Math.pow(10, random.nextInt(6)));
        }
        return values;
    }

    /** Direct memory with these values. */
    static Region region(float... values) {
        Region region = Region.allocate("floats", (long) values.length * Float.BYTES);
        write(values, region, 0);
        return region;
    }

    /** Writes values into a region, from {@code at} in bytes. */
    static void write(float[] values, Region region, long at) {
        for (int i = 0; i < values.length; i++) {
            region.putFloat(at + (long) i * Float.BYTES, values[i]);
        }
    }

    /** Reads {@code length} values from a region, from {@code at} in bytes. */
    static float[] read(Region region, long at, int length) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = region.getFloat(at + (long) i * Float.BYTES);
        }
        return values;
    }

    /** All values of a region. */
    static float[] read(Region region) {
        return read(region, 0, (int) (region.byteLength() / Float.BYTES));
    }

    /** The sum of one element over some ranks' values, in the order of {@code ranks}. */
    static float sum(int element, int length, int... ranks) {
        float sum = of(ranks[0], length)[element];
        for (int i = 1; i < ranks.length; i++) {
            sum += of(ranks[i], length)[element];
        }
        return sum;
    }
}
