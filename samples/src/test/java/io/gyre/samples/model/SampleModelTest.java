package io.gyre.samples.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SampleModelTest {

    private static final int BATCH = 4;

    @ParameterizedTest(name = "{0}, images of {1}x{2}x{2}, {3} classes")
    @CsvSource({
        "MLP,1,28,10",
        "MLP,3,5,3",
        "LENET,1,28,10",
        "LENET,3,8,3",
        "RESNET50,3,32,10",
    })
    void takesAStepThatLowersTheLossOfTheBatchItLearns(SampleModel sample, int channels, int pixels, int classes) {
        Model model = sample.build(InputType.convolutional(pixels, pixels, channels), classes, 1);
        Nd4j.getRandom().setSeed(1);
        INDArray features = Nd4j.rand(DataType.FLOAT, BATCH, channels, pixels, pixels);
        INDArray labels = Nd4j.zeros(DataType.FLOAT, BATCH, classes);
        for (int i = 0; i < BATCH; i++) {
            labels.putScalar(i, i % classes, 1);
        }

        fit(model, features, labels);
        double first = model.score();
        fit(model, features, labels);

        // Random guessing gives log(10) = 2.3; ResNet's score includes weight decay, 1.4 at first.
        assertThat(first).isBetween(0.1, 6.0);
        assertThat(model.score()).isLessThan(first);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "LENET_SAMEDIFF")
    void theSeedDecidesTheInitialParameters(SampleModel sample) {
        InputType input =
                sample.takesImages() ? InputType.convolutional(32, 32, sample.channels()) : InputType.recurrent(10);
        INDArray one = sample.build(input, 10, 1).params();

        assertThat(sample.build(input, 10, 1).params()).isEqualTo(one);
        assertThat(sample.build(input, 10, 2).params()).isNotEqualTo(one);
    }

    @Test
    void theSeedDecidesTheInitialParametersOfAGraph() {
        List<INDArray> one = parameters(1, false);

        assertThat(parameters(1, false)).isEqualTo(one);
        assertThat(parameters(2, false)).isNotEqualTo(one);
        assertThat(parameters(1, true).stream()
                        .map(each -> each.castTo(DataType.FLOAT))
                        .toList())
                .isEqualTo(one);
    }

    @Test
    void theGraphHasTheSizeOfTheZoosLeNet() {
        assertThat(parameters(1, false).stream().mapToLong(INDArray::length).sum())
                .isEqualTo(1256080);
    }

    private static List<INDArray> parameters(long seed, boolean inDouble) {
        SameDiff graph = ((BuiltSample.Graph) SampleModel.LENET_SAMEDIFF.buildToTrain(
                        InputType.convolutional(28, 28, 1), 10, seed, inDouble, 0.002))
                .graph();
        return graph.variables().stream()
                .filter(each -> each.getVariableType() == VariableType.VARIABLE)
                .map(SDVariable::getArr)
                .toList();
    }

    @ParameterizedTest
    @CsvSource({"LENET,1,28,1256080", "RESNET50,3,32,23608202", "RESNET50,3,96,23608202"})
    void theZoosModelsHaveTheirSize(SampleModel sample, int channels, int pixels, long parameters) {
        assertThat(sample.build(InputType.convolutional(pixels, pixels, channels), 10, 1)
                        .numParams())
                .isEqualTo(parameters);
    }

    @ParameterizedTest
    @CsvSource({"LENET,7", "RESNET50,31"})
    void imagesThatWouldVanishAreRefused(SampleModel sample, int pixels) {
        assertThatThrownBy(() -> sample.build(InputType.convolutional(pixels, 99, 3), 10, 1))
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
