package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceStream;
import io.gyre.device.Devices;
import io.gyre.device.GradientKernels;
import io.gyre.device.PinnedMemory;
import io.gyre.kernel.ScalarKernels;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

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
            kernels.findNotFinite(stream, type, buffer, flag);
            ByteBuffer flags = download(flag);
            assertThat(flags.getInt(4)).isZero();
            return flags.getInt(0) == 1;
        }
    }
}
