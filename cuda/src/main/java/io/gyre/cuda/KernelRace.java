package io.gyre.cuda;

import io.gyre.ElementType;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceStream;
import io.gyre.device.GradientKernels;
import io.gyre.device.PinnedMemory;
import io.gyre.memory.Region;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Compares two implementations of sums on one device: whether results are bit-identical, and from which length the
 * second is faster.
 */
final class KernelRace implements AutoCloseable {

    /** In elements: short ones are bound by the launch, long ones by the memory. */
    static final long[] LENGTHS = {1 << 10, 1 << 14, 1 << 18, 1 << 22};

    /** The second must take at most this fraction of the first's time; smaller gains count as noise. */
    private static final double GAIN = 0.95;

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long BUDGET_NANOS = 20_000_000;
    private static final int MOST_ROUNDS = 31;
    private static final int LEAST_ROUNDS = 3;

    private static final double[] SPECIALS = {
        0.0,
        -0.0,
        1,
        -1,
        1 / 3.0,
        Double.NaN,
        Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY,
        Float.MIN_VALUE,
        -Float.MIN_VALUE,
        Float.MIN_NORMAL,
        Float.MAX_VALUE,
        -Float.MAX_VALUE,
        1e-300,
        Double.MIN_VALUE,
        Double.MAX_VALUE
    };

    private static final int COMPARED = SPECIALS.length * SPECIALS.length + 4001;

    private final Device device;
    private final GradientKernels first;
    private final GradientKernels second;
    private final long[] lengths;
    private final DeviceStream stream;
    private final DeviceBuffer into;
    private final DeviceBuffer from;

    /**
     * Allocates the vectors.
     *
     * @param lengths at which times are compared, ascending; those that need more than a quarter of the free memory are
     *     skipped
     */
    KernelRace(Device device, GradientKernels first, GradientKernels second, long... lengths) {
        this.device = device;
        this.first = first;
        this.second = second;
        long most = device.freeBytes() / 8;
        this.lengths =
                Arrays.stream(lengths).filter(n -> n * Double.BYTES <= most).toArray();
        long elements = Math.max(COMPARED, Arrays.stream(this.lengths).max().orElse(0));
        stream = device.stream("kernel race");
        into = device.allocate("kernel race, into", elements * Double.BYTES);
        from = device.allocate("kernel race, from", elements * Double.BYTES);
    }

    /**
     * Whether both give bit-identical results for every pair of special values, and for ordinary ones; NaNs may differ
     * in their bits.
     */
    boolean sameBits(ElementType type) {
        Region a = values(type, true);
        Region b = values(type, false);
        try (PinnedMemory left = device.pin(a);
                PinnedMemory right = device.pin(b)) {
            Region expected = result(first, type, left, right);
            Region actual = result(second, type, left, right);
            return same(type, expected, actual);
        } finally {
            a.close();
            b.close();
        }
    }

    private Region result(GradientKernels kernels, ElementType type, PinnedMemory left, PinnedMemory right) {
        long bytes = left.region().byteLength();
        Region result = Region.allocate("result of a kernel", bytes);
        try (PinnedMemory pin = device.pin(result)) {
            stream.copyToDevice(left, 0, into, 0, bytes);
            stream.copyToDevice(right, 0, from, 0, bytes);
            kernels.sum(stream, type, into, 0, from, 0, COMPARED);
            stream.copyToHost(into, 0, pin, 0, bytes);
            stream.await(PATIENCE, "a comparison of kernels");
        }
        return result;
    }

    private static Region values(ElementType type, boolean left) {
        Region values = Region.allocate("values to compare kernels with", (long) COMPARED * type.bytes());
        SplittableRandom random = new SplittableRandom(left ? 1 : 2);
        int n = SPECIALS.length;
        for (int i = 0; i < COMPARED; i++) {
            double value = i < n * n ? SPECIALS[left ? i / n : i % n] : random.nextDouble() * 2 - 1;
            if (type == ElementType.FLOAT32) {
                values.putFloat(i * 4L, (float) value);
            } else {
                values.putDouble(i * 8L, value);
            }
        }
        return values;
    }

    private static boolean same(ElementType type, Region expected, Region actual) {
        for (long at = 0; at < expected.byteLength(); at += type.bytes()) {
            // Both conversions canonicalise NaNs.
            boolean same = type == ElementType.FLOAT32
                    ? Float.floatToIntBits(expected.getFloat(at)) == Float.floatToIntBits(actual.getFloat(at))
                    : Double.doubleToLongBits(expected.getDouble(at)) == Double.doubleToLongBits(actual.getDouble(at));
            if (!same) {
                return false;
            }
        }
        return true;
    }

    /** Length from which the second is faster, among those measured; {@link CublasChoice#NEVER} if it is not. */
    long fasterFrom(ElementType type) {
        double[] ofFirst = new double[lengths.length];
        double[] ofSecond = new double[lengths.length];
        for (int i = 0; i < lengths.length; i++) {
            measure(type, lengths[i], ofFirst, ofSecond, i);
        }
        return fasterFrom(lengths, ofFirst, ofSecond);
    }

    /** The shortest length from which on the second is clearly faster at all measured lengths. */
    static long fasterFrom(long[] lengths, double[] ofFirst, double[] ofSecond) {
        long from = CublasChoice.NEVER;
        for (int i = lengths.length - 1; i >= 0 && ofSecond[i] < ofFirst[i] * GAIN; i--) {
            from = lengths[i];
        }
        return from;
    }

    /** Medians of rounds in which both alternate, so that a change of clock frequency affects both. */
    private void measure(ElementType type, long count, double[] ofFirst, double[] ofSecond, int at) {
        // Values that do not change with repetition: a sum with zeros.
        stream.clear(into, 0, into.byteLength());
        stream.clear(from, 0, from.byteLength());
        time(first, type, count);
        time(second, type, count);
        double[] a = new double[MOST_ROUNDS];
        double[] b = new double[MOST_ROUNDS];
        int rounds = 0;
        long start = System.nanoTime();
        while (rounds < MOST_ROUNDS && (rounds < LEAST_ROUNDS || System.nanoTime() - start < BUDGET_NANOS)) {
            a[rounds] = time(first, type, count);
            b[rounds] = time(second, type, count);
            rounds++;
        }
        ofFirst[at] = median(a, rounds);
        ofSecond[at] = median(b, rounds);
    }

    private double time(GradientKernels kernels, ElementType type, long count) {
        long start = System.nanoTime();
        kernels.sum(stream, type, into, 0, from, 0, count);
        stream.await(PATIENCE, "a measured kernel");
        return System.nanoTime() - start;
    }

    private static double median(double[] values, int count) {
        Arrays.sort(values, 0, count);
        return values[count / 2];
    }

    @Override
    public void close() {
        from.close();
        into.close();
        stream.close();
    }
}
