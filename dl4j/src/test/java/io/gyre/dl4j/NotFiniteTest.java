package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NotFiniteTest {

    private static final int ELEMENTS = 37;

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

            assertThat(NotFinite.isIn(memory, ElementType.FLOAT32)).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void isFoundAtEveryPlaceAmongDoubles(double value) {
        for (int element = 0; element < ELEMENTS; element++) {
            Region memory = memory(ELEMENTS * Double.BYTES);
            memory.putDouble(element * (long) Double.BYTES, value);

            assertThat(NotFinite.isIn(memory, ElementType.FLOAT64)).isTrue();
        }
    }

    @Test
    void theBitsOfEveryNanAreKnown() {
        Region memory = memory(ELEMENTS * Float.BYTES);
        for (int bits : new int[] {0x7f80_0001, 0x7fff_ffff, 0xff80_0001, 0xffff_ffff}) {
            memory.window(4).putInt(4, bits);

            assertThat(NotFinite.isIn(memory, ElementType.FLOAT32)).isTrue();
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

        assertThat(NotFinite.isIn(floats, ElementType.FLOAT32)).isFalse();
        assertThat(NotFinite.isIn(doubles, ElementType.FLOAT64)).isFalse();
    }
}
