package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceStream;
import io.gyre.device.Devices;
import io.gyre.device.GradientKernels;
import io.gyre.device.PinnedMemory;
import io.gyre.kernel.HalfFormat;
import io.gyre.kernel.ScalarKernels;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The contract of {@link GradientKernels}: results are bit-identical to those of {@link ScalarKernels}, except for the
 * bits of NaNs.
 */
public abstract class GradientKernelsContract {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** Around zero, a warp and a block, and more than all threads of a launch. */
    private static final int[] LENGTHS = {0, 1, 2, 31, 32, 33, 255, 256, 257, 1025, 70_001};

    private static final double[] SPECIALS = {
        0.0,
        -0.0,
        1,
        -1,
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
        Double.MAX_VALUE,
        1 / 3.0
    };

    private final ScalarKernels plain = new ScalarKernels();
    private Devices devices;
    private Device device;
    private DeviceStream stream;
    private GradientKernels kernels;

    /** The devices under test. */
    protected abstract Devices devices();

    /** The kernels under test. */
    protected GradientKernels kernels(Device owner) {
        return owner.kernels();
    }

    /** Called at the end of each test, when everything is closed; may check for leaks. */
    protected void checkNothingIsLeft() {}

    @BeforeEach
    final void openDevice() {
        devices = devices();
        device = devices.open(0);
        stream = device.stream("kernels");
        kernels = kernels(device);
    }

    @AfterEach
    final void closeDevice() {
        stream.close();
        device.close();
        devices.close();
        checkNothingIsLeft();
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    private static ByteBuffer copyOf(ByteBuffer from) {
        return direct(from.capacity()).put(0, from, 0, from.capacity());
    }

    private static ByteBuffer random(ElementType type, int count, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        ByteBuffer data = direct(count * type.bytes());
        for (int i = 0; i < count; i++) {
            put(type, data, i, random.nextDouble() * 2 - 1);
        }
        return data;
    }

    /** Every special value with every other. */
    private static ByteBuffer pairs(ElementType type, boolean first) {
        int n = SPECIALS.length;
        ByteBuffer data = direct(n * n * type.bytes());
        for (int i = 0; i < n * n; i++) {
            put(type, data, i, SPECIALS[first ? i / n : i % n]);
        }
        return data;
    }

    private static void put(ElementType type, ByteBuffer data, int index, double value) {
        if (type == ElementType.FLOAT32) {
            data.putFloat(index * 4, (float) value);
        } else {
            data.putDouble(index * 8, value);
        }
    }

    private DeviceBuffer upload(ByteBuffer data) {
        DeviceBuffer buffer = device.allocate("uploaded", data.capacity());
        try (PinnedMemory pin = device.pin(Region.of("data", null, List.of(data)))) {
            stream.copyToDevice(pin, 0, buffer, 0, data.capacity());
            stream.await(PATIENCE, "an upload");
        }
        return buffer;
    }

    private ByteBuffer download(DeviceBuffer buffer) {
        ByteBuffer data = direct((int) buffer.byteLength());
        try (PinnedMemory pin = device.pin(Region.of("data", null, List.of(data)))) {
            stream.copyToHost(buffer, 0, pin, 0, data.capacity());
            stream.await(PATIENCE, "a download");
        }
        return data;
    }

    private static void assertSame(ElementType type, ByteBuffer actual, ByteBuffer expected, String what) {
        for (int i = 0; i < expected.capacity(); i += type.bytes()) {
            boolean same = type == ElementType.FLOAT32
                    // Both conversions canonicalise NaNs.
                    ? Float.floatToIntBits(actual.getFloat(i)) == Float.floatToIntBits(expected.getFloat(i))
                    : Double.doubleToLongBits(actual.getDouble(i)) == Double.doubleToLongBits(expected.getDouble(i));
            if (!same) {
                throw new AssertionError(what + ": element " + i / type.bytes() + " is "
                        + (type == ElementType.FLOAT32 ? actual.getFloat(i) : actual.getDouble(i)) + ", not "
                        + (type == ElementType.FLOAT32 ? expected.getFloat(i) : expected.getDouble(i)));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    final void sumsAreTheSame(ElementType type) {
        for (int length : LENGTHS) {
            compareSum(type, random(type, length, 1), random(type, length, 2), 0);
        }
        compareSum(type, random(type, 1030, 1), random(type, 1030, 2), 5);
        compareSum(type, pairs(type, true), pairs(type, false), 0);
    }

    private void compareSum(ElementType type, ByteBuffer into, ByteBuffer from, int skipped) {
        int offset = skipped * type.bytes();
        int bytes = into.capacity() - offset;
        ByteBuffer expected = copyOf(into);
        plain.reduce(ReduceOp.SUM, type, expected, offset, from, 0, bytes);
        try (DeviceBuffer a = upload(into);
                DeviceBuffer b = upload(from)) {
            kernels.sum(stream, type, a, offset, b, 0, bytes / type.bytes());
            assertSame(type, download(a), expected, "sum of " + bytes + " bytes");
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {1, 0, -0.0, 0.5, -3, 1 / 3.0, 1e-30, 1e-50, 1e30})
    final void scalingIsTheSame(double factor) {
        for (ElementType type : ElementType.values()) {
            for (int length : LENGTHS) {
                compareScale(type, random(type, length, 3), factor);
            }
            compareScale(type, pairs(type, true), factor);
        }
    }

    private void compareScale(ElementType type, ByteBuffer data, double factor) {
        ByteBuffer expected = copyOf(data);
        plain.scale(type, expected, 0, expected.capacity(), factor);
        try (DeviceBuffer a = upload(data)) {
            kernels.scale(stream, type, a, 0, data.capacity() / type.bytes(), factor);
            assertSame(type, download(a), expected, "scaling by " + factor);
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {1, 0, -1, 0.5, 1 / 3.0, 1e-30, 1e30, Double.NaN, Double.POSITIVE_INFINITY})
    final void axpyIsTheSame(double factor) {
        for (ElementType type : ElementType.values()) {
            for (int length : LENGTHS) {
                compareAxpy(type, factor, random(type, length, 4), random(type, length, 5));
            }
            compareAxpy(type, factor, pairs(type, true), pairs(type, false));
        }
    }

    private void compareAxpy(ElementType type, double factor, ByteBuffer into, ByteBuffer from) {
        ByteBuffer expected = copyOf(into);
        plain.axpy(type, factor, expected, 0, from, 0, expected.capacity());
        try (DeviceBuffer a = upload(into);
                DeviceBuffer b = upload(from)) {
            kernels.axpy(stream, type, factor, a, 0, b, 0, into.capacity() / type.bytes());
            assertSame(type, download(a), expected, "axpy with " + factor);
        }
    }

    /** Every 16-bit float, every midpoint between two of them, and the floats next to both. */
    @ParameterizedTest
    @EnumSource
    final void narrowingRoundsInTheSameWayEverywhere(HalfFormat format) {
        ByteBuffer floats = direct(0x10000 * 6 * Float.BYTES);
        for (int bits = 0; bits <= 0xffff; bits++) {
            float value = format.widen((short) bits);
            float middle = (float) (((double) value + format.widen((short) (bits + 1))) / 2);
            int at = bits * 6 * Float.BYTES;
            floats.putFloat(at, value).putFloat(at + 4, Math.nextUp(value)).putFloat(at + 8, Math.nextDown(value));
            floats.putFloat(at + 12, middle).putFloat(at + 16, Math.nextUp(middle));
            floats.putFloat(at + 20, Math.nextDown(middle));
        }
        int count = floats.capacity() / 4;
        ByteBuffer expected = direct(count * 2);
        plain.narrow(format, floats, 0, expected, 0, count);
        try (DeviceBuffer from = upload(floats);
                DeviceBuffer into = device.allocate("halves", count * 2L)) {
            kernels.narrow(stream, format, from, 0, into, 0, count);
            ByteBuffer actual = download(into);
            for (int i = 0; i < count; i++) {
                short got = actual.getShort(i * 2);
                short want = expected.getShort(i * 2);
                if (got != want && !(Float.isNaN(format.widen(got)) && Float.isNaN(format.widen(want)))) {
                    throw new AssertionError(floats.getFloat(i * 4) + " became " + format.widen(got));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    final void wideningIsExactEverywhere(HalfFormat format) {
        ByteBuffer halves = direct(0x10000 * 2);
        for (int bits = 0; bits <= 0xffff; bits++) {
            halves.putShort(bits * 2, (short) bits);
        }
        ByteBuffer expected = direct(0x10000 * 4);
        plain.widen(format, halves, 0, expected, 0, 0x10000);
        try (DeviceBuffer from = upload(halves);
                DeviceBuffer into = device.allocate("floats", 0x10000 * 4L)) {
            kernels.widen(stream, format, from, 0, into, 0, 0x10000);
            assertSame(ElementType.FLOAT32, download(into), expected, "widening");
        }
    }

    @ParameterizedTest
    @EnumSource
    final void oneValueThatIsNotFiniteIsFoundWhereverItIs(ElementType type) {
        for (int length : LENGTHS) {
            assertThat(notFinite(type, random(type, length, 6))).isFalse();
            for (int at : new int[] {0, length / 2, length - 1}) {
                for (double value : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
                    if (at >= 0 && at < length) {
                        ByteBuffer bad = random(type, length, 6);
                        put(type, bad, at, value);
                        assertThat(notFinite(type, bad))
                                .as("%s at %d of %d", value, at, length)
                                .isTrue();
                    }
                }
            }
        }
        ByteBuffer extremes = direct(4 * type.bytes());
        put(type, extremes, 0, type == ElementType.FLOAT32 ? Float.MAX_VALUE : Double.MAX_VALUE);
        put(type, extremes, 1, type == ElementType.FLOAT32 ? -Float.MAX_VALUE : -Double.MAX_VALUE);
        put(type, extremes, 2, type == ElementType.FLOAT32 ? Float.MIN_VALUE : Double.MIN_VALUE);
        assertThat(notFinite(type, extremes)).isFalse();
    }

    private boolean notFinite(ElementType type, ByteBuffer data) {
        try (DeviceBuffer buffer = upload(data);
                DeviceBuffer flag = device.allocate("flag", 8)) {
            stream.clear(flag, 0, 8);
            kernels.findNotFinite(stream, type, buffer, 0, data.capacity() / type.bytes(), flag, 4);
            ByteBuffer flags = download(flag);
            assertThat(flags.getInt(0)).isZero();
            return flags.getInt(4) == 1;
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 31, 32, 33, 1000, 32 * 1024 - 1, 32 * 1024, 32 * 1024 + 1, 70_001})
    final void thresholdEncodingTakesWhatIsLargeInOrder(int count) {
        for (int capacity : new int[] {0, 1, count / 16, count}) {
            compareThreshold(random(ElementType.FLOAT32, count, 7), 0.5f, capacity);
        }
    }

    @Test
    final void thresholdEncodingLeavesNaNAndTakesInfinities() {
        compareThreshold(pairs(ElementType.FLOAT32, true), 1f, 1000);
        compareThreshold(pairs(ElementType.FLOAT32, false), 1f, 20);
    }

    @Test
    final void aThresholdMustBePositive() {
        try (DeviceBuffer data = device.allocate("data", 64)) {
            for (float threshold : new float[] {0, -1, Float.NaN}) {
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> kernels.encodeThreshold(stream, data, 0, 1, threshold, data, 16, 1, data))
                        .withMessageContaining("must be positive");
            }
        }
    }

    private void compareThreshold(ByteBuffer data, float threshold, int capacity) {
        int count = data.capacity() / 4;
        ByteBuffer rest = copyOf(data);
        List<Integer> expected = new ArrayList<>();
        int found = 0;
        for (int i = 0; i < count; i++) {
            float value = data.getFloat(i * 4);
            boolean positive = value >= threshold;
            if (positive || value <= -threshold) {
                if (found++ < capacity) {
                    expected.add(positive ? i + 1 : -(i + 1));
                    rest.putFloat(i * 4, positive ? value - threshold : value + threshold);
                }
            }
        }
        try (DeviceBuffer vector = upload(data);
                DeviceBuffer entries = device.allocate("entries", 4L * capacity + 4);
                DeviceBuffer scratch = device.allocate("scratch", GradientKernels.scratchBytes(count))) {
            kernels.encodeThreshold(stream, vector, 0, count, threshold, entries, 4, capacity, scratch);
            assertThat(download(scratch).getInt(0)).isEqualTo(found);
            ByteBuffer actual = download(entries);
            for (int i = 0; i < expected.size(); i++) {
                assertThat(actual.getInt(4 + 4 * i))
                        .as("entry %d of %d", i, found)
                        .isEqualTo(expected.get(i));
            }
            assertSame(ElementType.FLOAT32, download(vector), rest, "the rest");
        }
    }
}
