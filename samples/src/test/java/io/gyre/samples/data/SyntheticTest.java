package io.gyre.samples.data;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SyntheticTest {

    private static final ImageShape SHAPE = new ImageShape(3, 20, 12);

    @Test
    void anImageIsTheSameWheneverItIsRead() {
        ImageSet set = Synthetic.of(SHAPE, 5);

        assertThat(values(set.train(), 17))
                .isEqualTo(values(Synthetic.of(SHAPE, 5).train(), 17));
        assertThat(values(set.train(), 17)).isNotEqualTo(values(set.train(), 18));
        assertThat(values(set.train(), 17))
                .isNotEqualTo(values(Synthetic.of(SHAPE, 6).train(), 17));
    }

    @Test
    void itIsNoiseOfMeanZeroWithTenClassesAndNothingHeldOut() {
        ImageSet set = Synthetic.of(SHAPE, 5);
        double sum = 0;
        for (float value : values(set.train(), 0)) {
            sum += value;
        }

        assertThat(sum / SHAPE.values()).isBetween(-0.4, 0.4);
        assertThat(set.classes()).hasSize(10);
        assertThat(set.train().label(0)).isBetween(0, 9);
        assertThat(set.heldOut().size()).isZero();
    }

    @Test
    void thePatternOfAClassIsInTheMeanOfItsImages() {
        Images images = Synthetic.of(SHAPE, 5).train();
        int label = images.label(0);
        float[] mean = new float[SHAPE.values()];
        int count = 0;
        for (int index = 0; index < images.size(); index++) {
            if (images.label(index) == label) {
                float[] values = values(images, index);
                for (int i = 0; i < mean.length; i++) {
                    mean[i] += values[i];
                }
                count++;
            }
        }

        // The noise of the mean has a deviation of 1/sqrt(400); the pattern is 0.5 or -0.5.
        for (float sum : mean) {
            assertThat(Math.abs(sum / count)).isBetween(0.25f, 0.75f);
        }
    }

    private static float[] values(Images images, int index) {
        float[] values = new float[SHAPE.values()];
        images.read(index, values, 0);
        return values;
    }
}
