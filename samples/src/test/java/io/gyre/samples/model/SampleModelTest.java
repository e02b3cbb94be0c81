package io.gyre.samples.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.samples.data.ImageShape;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SampleModelTest {

    @ParameterizedTest(name = "{0}, images of {1}x{2}x{2}, {3} classes")
    @CsvSource({
        "MLP,1,28,10",
        "MLP,3,5,3",
        "LENET,1,28,10",
        "LENET,3,8,3",
        "RESNET50,3,32,10",
        "RESNET50,3,96,4",
        "RESNET50,1,33,2",
    })
    void takesStepsThatLowerTheLossOfTheBatchTheyLearn(SampleModel sample, int channels, int pixels, int classes) {
        Model model = sample.build(new ImageShape(channels, pixels, pixels), classes, 1);
        INDArray features = Nd4j.rand(DataType.FLOAT, 4, channels, pixels, pixels);
        INDArray labels = Nd4j.zeros(DataType.FLOAT, 4, classes);
        for (int i = 0; i < 4; i++) {
            labels.putScalar(i, i % classes, 1);
        }

        fit(model, features, labels);
        double first = model.score();
        for (int i = 0; i < 4; i++) {
            fit(model, features, labels);
        }

        // Chance alone is log(10) = 2.3; ResNet's score includes the decay of its weights, 1.4 at first.
        assertThat(first).isBetween(0.1, 6.0);
        assertThat(model.score()).isLessThan(first);
    }

    @ParameterizedTest
    @EnumSource
    void theSeedDecidesTheInitialParameters(SampleModel sample) {
        ImageShape shape = new ImageShape(sample.channels(), 32, 32);
        INDArray one = sample.build(shape, 10, 1).params();

        assertThat(sample.build(shape, 10, 1).params()).isEqualTo(one);
        assertThat(sample.build(shape, 10, 2).params()).isNotEqualTo(one);
    }

    @Test
    void resNetHasItsSizeAndTheZoosLeNetItsOwn() {
        assertThat(SampleModel.RESNET50.build(new ImageShape(3, 32, 32), 10, 1).numParams())
                .isEqualTo(23_608_202);
        assertThat(SampleModel.LENET.build(new ImageShape(1, 28, 28), 10, 1).numParams())
                .isEqualTo(1_256_080);
    }

    @ParameterizedTest
    @CsvSource({"LENET,7", "RESNET50,31"})
    void imagesThatWouldVanishAreRefused(SampleModel sample, int pixels) {
        assertThatThrownBy(() -> sample.build(new ImageShape(3, pixels, 99), 10, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("images of " + pixels + " pixels are too small for " + sample);
    }

    private static void fit(Model model, INDArray features, INDArray labels) {
        if (model instanceof MultiLayerNetwork network) {
            network.fit(features, labels);
        } else {
            ((ComputationGraph) model).fit(new INDArray[] {features}, new INDArray[] {labels});
        }
    }
}
