package io.gyre.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Compares the fast kernels with the plain ones, bit for bit. */
class KernelsTest {

    /** Around the block of the array kernels, which is 4 KiB, and around nothing. */
    private static final List<Integer> LENGTHS =
            List.of(0, 1, 2, 3, 7, 8, 511, 512, 513, 1023, 1024, 1025, 2047, 2048, 2049, 3000);

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
        Double.MIN_VALUE,
        Double.MAX_VALUE,
        1 / 3.0
    };

    private final Kernels fast = new ArrayKernels();
    private final Kernels plain = new ScalarKernels();

    @Test
    void thePlainKernelsFollowTheDefinition() {
        for (ElementType type : ElementType.values()) {
            assertThat(reduced(ReduceOp.SUM, type, 2.5, -4)).isEqualTo(-1.5);
            assertThat(reduced(ReduceOp.MAX, type, 2.5, -4)).isEqualTo(2.5);
            assertThat(reduced(ReduceOp.MIN, type, 2.5, -4)).isEqualTo(-4);
            for (ReduceOp op : ReduceOp.values()) {
                assertThat(reduced(op, type, Double.NaN, 1)).isNaN();
                assertThat(reduced(op, type, 1, Double.NaN)).isNaN();
            }
            assertThat(reduced(ReduceOp.MAX, type, -0.0, 0.0)).isEqualTo(0.0);
            assertThat(reduced(ReduceOp.MIN, type, 0.0, -0.0)).isEqualTo(-0.0);
        }
    }

    private double reduced(ReduceOp op, ElementType type, double a, double b) {
        ByteBuffer into = direct(8);
        ByteBuffer from = direct(8);
        put(type, into, 0, a);
        put(type, from, 0, b);
        plain.reduce(op, type, into, 0, from, 0, type.bytes());
        return type == ElementType.FLOAT32 ? into.getFloat(0) : into.getDouble(0);
    }

    @ParameterizedTest
    @EnumSource
    void sumsAndExtremesOfRandomNumbersAreTheSame(ReduceOp op) {
        for (ElementType type : ElementType.values()) {
            for (int length : LENGTHS) {
                compareReduce(op, type, randomNumbers(type, length, 1), randomNumbers(type, length, 2), 0, 0);
            }
        }
    }

    /** Memory need not be aligned: a link's payload lies where its header ends. */
    @ParameterizedTest
    @EnumSource
    void offsetsNeedNotBeAligned(ReduceOp op) {
        for (ElementType type : ElementType.values()) {
            for (int into : new int[] {0, 1, 2, 3, 4, 7, 8, 12}) {
                for (int from : new int[] {0, 1, 3, 4, 5, 8, 20}) {
                    compareReduce(op, type, randomNumbers(type, 1030, 3), randomNumbers(type, 1030, 4), into, from);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void specialValuesMeetEachOtherInTheSameWay(ReduceOp op) {
        int pairs = SPECIALS.length * SPECIALS.length;
        for (ElementType type : ElementType.values()) {
            ByteBuffer into = direct(pairs * type.bytes());
            ByteBuffer from = direct(pairs * type.bytes());
            for (int i = 0; i < pairs; i++) {
                put(type, into, i, SPECIALS[i / SPECIALS.length]);
                put(type, from, i, SPECIALS[i % SPECIALS.length]);
            }
            compareReduce(op, type, into, from, 0, 0);
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {1, 0, -0.0, 0.5, -3, 1 / 3.0, 1e-30, 1e-50, Double.MIN_VALUE, 1e30})
    void scalingIsTheSame(double factor) {
        for (ElementType type : ElementType.values()) {
            for (int length : LENGTHS) {
                compareScale(type, randomNumbers(type, length, 5), 0, factor);
            }
            compareScale(type, randomNumbers(type, 1030, 6), 3, factor);
            ByteBuffer specials = direct(SPECIALS.length * type.bytes());
            for (int i = 0; i < SPECIALS.length; i++) {
                put(type, specials, i, SPECIALS[i]);
            }
            compareScale(type, specials, 0, factor);
        }
    }

    @Test
    void aFactorOfZeroClearsEverything() {
        for (Kernels kernels : List.of(fast, plain)) {
            for (ElementType type : ElementType.values()) {
                ByteBuffer data = direct(SPECIALS.length * type.bytes());
                for (int i = 0; i < SPECIALS.length; i++) {
                    put(type, data, i, SPECIALS[i]);
                }
                kernels.scale(type, data, 0, data.capacity(), 0);
                assertThat(data).isEqualTo(direct(data.capacity()));
            }
        }
    }

    @Test
    void aRegionIsReducedAcrossItsWindows() {
        for (ElementType type : ElementType.values()) {
            ByteBuffer first = direct(48);
            ByteBuffer last = direct(24);
            Region region = Region.of("in windows", null, List.of(first, direct(48), last))
                    .slice(16, 96);
            ByteBuffer ones = direct(96);
            for (int i = 0; i < 96 / type.bytes(); i++) {
                put(type, ones, i, 1);
            }

            fast.reduce(ReduceOp.SUM, type, region, 8, ones, 8, 80);
            fast.scale(type, region, 3);

            for (int i = 0; i < 96; i += type.bytes()) {
                double value = type == ElementType.FLOAT32 ? region.getFloat(i) : region.getDouble(i);
                assertThat(value).isEqualTo(i >= 8 && i < 88 ? 3 : 0);
            }
            assertThat(first.getDouble(8)).isZero();
            assertThat(last.getDouble(16)).isZero();
        }
    }

    /** More buffers than an instance remembers views of. */
    @Test
    void buffersAreNotMixedUp() {
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 50; i++) {
                ByteBuffer into = direct(8);
                ByteBuffer from = direct(8);
                into.putFloat(0, i);
                from.putFloat(0, 1);
                fast.reduce(ReduceOp.SUM, ElementType.FLOAT32, into, 0, from, 0, 4);
                assertThat(into.getFloat(0)).isEqualTo(i + 1);
            }
        }
    }

    private void compareReduce(
            ReduceOp op, ElementType type, ByteBuffer a, ByteBuffer b, int intoOffset, int fromOffset) {
        ByteBuffer from = shifted(b, fromOffset);
        ByteBuffer expected = shifted(a, intoOffset);
        ByteBuffer actual = shifted(a, intoOffset);

        plain.reduce(op, type, expected, intoOffset, from, fromOffset, a.capacity());
        fast.reduce(op, type, actual, intoOffset, from, fromOffset, a.capacity());

        assertThat(actual)
                .as("%s of %d bytes of %s at %d, from %d", op, a.capacity(), type, intoOffset, fromOffset)
                .isEqualTo(expected);
        assertThat(from).as("what was read").isEqualTo(shifted(b, fromOffset));
    }

    private void compareScale(ElementType type, ByteBuffer data, int offset, double factor) {
        ByteBuffer expected = shifted(data, offset);
        ByteBuffer actual = shifted(data, offset);

        plain.scale(type, expected, offset, data.capacity(), factor);
        fast.scale(type, actual, offset, data.capacity(), factor);

        assertThat(actual)
                .as("%d bytes of %s at %d, times %s", data.capacity(), type, offset, factor)
                .isEqualTo(expected);
    }

    /** A copy between bytes that no kernel may touch. */
    private static ByteBuffer shifted(ByteBuffer data, int offset) {
        ByteBuffer copy = direct(offset + data.capacity() + 8);
        for (int i = 0; i < copy.capacity(); i++) {
            copy.put(i, (byte) 0x7f);
        }
        return copy.put(offset, data, 0, data.capacity());
    }

    private static ByteBuffer randomNumbers(ElementType type, int length, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        ByteBuffer numbers = direct(length * type.bytes());
        for (int i = 0; i < length; i++) {
            put(type, numbers, i, Math.scalb(random.nextDouble(-1, 1), random.nextInt(-140, 120)));
        }
        return numbers;
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    private static void put(ElementType type, ByteBuffer buffer, int index, double value) {
        switch (type) {
            case FLOAT32 -> buffer.putFloat(index * Float.BYTES, (float) value);
            case FLOAT64 -> buffer.putDouble(index * Double.BYTES, value);
        }
    }
}
