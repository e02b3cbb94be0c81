package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import io.gyre.paramserver.ServerOptimizer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;

class ModelOptimizerTest {

    private static final MultiLayerNetwork MODEL =
            TestModels.perceptron(TestModels.configuration(new Adam(0.01), DataType.DOUBLE));

    /** Adam's step does not depend on the gradient's magnitude: only the rate makes it shorter. */
    @Test
    void aPartOfTheRateIsAPartOfTheStepWithAdamToo() {
        double whole = firstStep(1, 1);

        assertThat(whole).isEqualTo(-0.01, within(1e-6));
        assertThat(firstStep(0.25, 1)).isEqualTo(whole, within(1e-6));
        assertThat(firstStep(1, 0.25)).isEqualTo(whole / 4, within(1e-6));
    }

    private static double firstStep(double gradient, double part) {
        long elements = MODEL.numParams();
        ServerOptimizer optimizer = ModelOptimizer.of(MODEL).create(ElementType.FLOAT64, 0, elements);
        Region parameters = Region.allocate("parameters", elements * Double.BYTES);
        Region gradients = Region.allocate("gradients", elements * Double.BYTES);
        gradients.putDouble(0, gradient);

        optimizer.update(parameters, gradients, 0, 0, part);

        return parameters.getDouble(0);
    }
}
