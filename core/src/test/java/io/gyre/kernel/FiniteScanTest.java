package io.gyre.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** NaN and infinity are found at every place, and nothing else is. */
class FiniteScanTest {

    private static final int ELEMENTS = 37;
    private static final Chunk WHOLE = new Chunk(0, ELEMENTS);

    private final FiniteScan scan = new FiniteScan();

    /** In two windows. */
    private static Region memory(int bytes) {
        int first = (bytes / 2 + 7) / 8 * 8;
        return Region.of(
                "memory",
                null,
                List.of(
                        ByteBuffer.allocateDirect(first).order(ByteOrder.nativeOrder()),
                        ByteBuffer.allocateDirect(bytes - first).order(ByteOrder.nativeOrder())));
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void isFoundAtEveryPlaceAmongFloats(float value) {
        for (int element = 0; element < ELEMENTS; element++) {
            Region memory = memory(ELEMENTS * Float.BYTES);
            memory.putFloat(element * (long) Float.BYTES, value);

            assertThat(scan.isFinite(memory, WHOLE, ElementType.FLOAT32)).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void isFoundAtEveryPlaceAmongDoubles(double value) {
        for (int element = 0; element < ELEMENTS; element++) {
            Region memory = memory(ELEMENTS * Double.BYTES);
            memory.putDouble(element * (long) Double.BYTES, value);

            assertThat(scan.isFinite(memory, WHOLE, ElementType.FLOAT64)).isFalse();
        }
    }

    @Test
    void theBitsOfEveryNanAreKnown() {
        Region memory = memory(ELEMENTS * Float.BYTES);
        for (int bits : new int[] {0x7f80_0001, 0x7fff_ffff, 0xff80_0001, 0xffff_ffff}) {
            memory.window(4).putInt(4, bits);

            assertThat(scan.isFinite(memory, WHOLE, ElementType.FLOAT32)).isFalse();
        }
    }

    /** Also where their sum would be infinite. */
    @Test
    void theLargestAndSmallestValuesAreFinite() {
        Region floats = memory(ELEMENTS * Float.BYTES);
        Region doubles = memory(ELEMENTS * Double.BYTES);
        for (int element = 0; element < ELEMENTS; element++) {
            float sign = element % 2 == 0 ? 1 : -1;
            floats.putFloat(element * 4L, sign * (element % 3 == 0 ? Float.MAX_VALUE : Float.MIN_VALUE));
            doubles.putDouble(element * 8L, sign * (element % 3 == 0 ? Double.MAX_VALUE : Double.MIN_VALUE));
        }

        assertThat(scan.isFinite(floats, WHOLE, ElementType.FLOAT32)).isTrue();
        assertThat(scan.isFinite(doubles, WHOLE, ElementType.FLOAT64)).isTrue();
    }

    @Test
    void onlyThePartIsLookedAt() {
        for (ElementType type : ElementType.values()) {
            Region memory = memory(ELEMENTS * type.bytes());
            for (int element = 0; element < ELEMENTS; element++) {
                put(memory, type, element, Double.NaN);
                for (int from = 0; from < ELEMENTS; from += 5) {
                    boolean inside = element >= from && element < from + 7;
                    Chunk part = new Chunk(from, Math.min(7, ELEMENTS - from));

                    assertThat(scan.isFinite(memory, part, type)).isNotEqualTo(inside);
                }
                put(memory, type, element, 1);
            }
        }
    }

    private static void put(Region memory, ElementType type, int element, double value) {
        if (type == ElementType.FLOAT32) {
            memory.putFloat(element * 4L, (float) value);
        } else {
            memory.putDouble(element * 8L, value);
        }
    }

    /** The scan works block by block. */
    @Test
    void isFoundInEveryBlock() {
        Region memory = Region.allocate("memory", 5_000 * 8);
        for (int element = 0; element < 5_000; element += 499) {
            memory.putDouble(element * 8L, Double.NEGATIVE_INFINITY);

            assertThat(scan.isFinite(memory, new Chunk(0, 5_000), ElementType.FLOAT64))
                    .isFalse();

            memory.putDouble(element * 8L, 0);
            assertThat(scan.isFinite(memory, new Chunk(0, 5_000), ElementType.FLOAT64))
                    .isTrue();
        }
    }
}
