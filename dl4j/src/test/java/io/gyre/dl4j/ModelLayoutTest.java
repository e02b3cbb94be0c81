package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;

class ModelLayoutTest {

    /** Layers of 208, 170 and 55 parameters. */
    private static final ModelLayout LAYOUT = new ModelLayout(
            Network.of(TestModels.perceptron(TestModels.configuration(new Adam(0.01), DataType.FLOAT))));

    @Test
    void bucketsEndAtTheBordersOfLayers() {
        assertThat(LAYOUT.bucketPlan(4 * 300).buckets())
                .extracting(bucket -> bucket.offset() + "+" + bucket.length())
                .containsExactly("208+225", "0+208");
    }

    @Test
    void elementsAreNamedByLayerAndParameter() {
        assertThat(LAYOUT.nameOf(0)).isEqualTo("element 0 of parameter 0_W");
        assertThat(LAYOUT.nameOf(207)).isEqualTo("element 15 of parameter 0_b");
        assertThat(LAYOUT.nameOf(208)).isEqualTo("element 0 of parameter 1_W");
        assertThat(LAYOUT.nameOf(208 + 170 + 55)).isEqualTo("element 433");
    }

    @Test
    void theTextTellsTypeParametersAndUpdaterState() {
        assertThat(LAYOUT.elementType()).isEqualTo(ElementType.FLOAT32);
        assertThat(LAYOUT.text(866))
                .startsWith("FLOAT32; 0_W [12, 16]; 0_b [16]; 1_W [16, 10]")
                .endsWith("; updater state of 866");
    }
}
