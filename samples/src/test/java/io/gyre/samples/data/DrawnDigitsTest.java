package io.gyre.samples.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DrawnDigitsTest {

    @Test
    void aSeedGivesTheSameImagesOnEveryMachineAndJdk() throws Exception {
        Images train = DrawnDigits.of(1).train();
        MessageDigest digest = MessageDigest.getInstance("SHA-256");

        for (int index = 0; index < 200; index++) {
            ByteBuffer bytes = ByteBuffer.allocate(784 * Float.BYTES);
            bytes.asFloatBuffer().put(pixels(train, index));
            digest.update((byte) train.label(index));
            digest.update(bytes);
        }

        // Changes with the drawing code; must never depend on the machine.
        assertThat(HexFormat.of().formatHex(digest.digest()))
                .isEqualTo("c75cbb39d054e3fd2c0ab093a21de98ee09e08f4aba6e5ee9ad4cb50ba912f89");
    }

    @Test
    void anImageDoesNotDependOnWhatWasReadBefore() {
        Images train = DrawnDigits.of(7).train();
        float[] first = pixels(train, 100);
        pixels(train, 3);

        assertThat(pixels(train, 100)).isEqualTo(first);
        assertThat(pixels(DrawnDigits.of(7).train(), 100)).isEqualTo(first);
    }

    @Test
    void seedsAndPartsGiveDifferentImages() {
        ImageSet one = DrawnDigits.of(1);

        assertThat(pixels(one.train(), 0)).isNotEqualTo(pixels(DrawnDigits.of(2).train(), 0));
        assertThat(pixels(one.train(), 0)).isNotEqualTo(pixels(one.heldOut(), 0));
    }

    @Test
    void allDigitsOccurAboutEquallyOften() {
        Images train = DrawnDigits.of(1).train();
        int[] count = new int[10];
        IntStream.range(0, train.size()).forEach(i -> count[train.label(i)]++);

        // 800 of each are expected, with a deviation of 27.
        assertThat(IntStream.of(count).boxed()).allSatisfy(n -> assertThat(n).isBetween(650, 950));
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {0, 1, -1, Long.MAX_VALUE})
    void pixelsAreBetweenZeroAndOneAndEveryImageHasInk(long seed) {
        Images heldOut = DrawnDigits.of(seed).heldOut();

        for (int index = 0; index < heldOut.size(); index++) {
            float darkest = 0;
            float palest = 1;
            for (float pixel : pixels(heldOut, index)) {
                assertThat(pixel).isBetween(0f, 1f);
                darkest = Math.max(darkest, pixel);
                palest = Math.min(palest, pixel);
            }
            assertThat(darkest - palest).as("contrast of image %d", index).isGreaterThan(0.4f);
        }
    }

    @Test
    void readsIntoTheMiddleOfAnArrayAndLeavesTheRest() {
        float[] values = new float[784 + 2];
        values[0] = 42;
        values[785] = 43;

        DrawnDigits.of(1).train().read(5, values, 1);

        assertThat(values[0]).isEqualTo(42);
        assertThat(values[785]).isEqualTo(43);
        assertThat(values).containsSubsequence(pixels(DrawnDigits.of(1).train(), 5));
    }

    private static float[] pixels(Images images, int index) {
        float[] values = new float[784];
        images.read(index, values, 0);
        return values;
    }
}
