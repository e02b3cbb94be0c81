package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.allreduce.Algorithm;
import io.gyre.allreduce.Collectives;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.GradientCodecs;
import io.gyre.network.Collective;
import io.gyre.paramserver.BulkSynchronous;
import io.gyre.paramserver.ParameterService;
import io.gyre.training.UpdateStrategy;
import java.util.List;
import java.util.function.Supplier;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Nesterovs;

/** Training on servers that get gradients in fewer bytes, by ranks alone or in groups of two. */
@Timeout(120)
class CompressedPushTest {

    private static final int STEPS = 60;
    private static final DataSet EXAMPLES = TestData.vectors(64, DataType.FLOAT, 1);

    private static MultiLayerNetwork model() {
        return TestModels.perceptron(TestModels.configuration(new Nesterovs(0.05, 0.9), DataType.FLOAT));
    }

    /** Returns the parameters at the end, which all ranks have. */
    private static INDArray train(Supplier<GradientCodec> codecs, boolean inGroups, DataSet examples, int steps)
            throws InterruptedException {
        int ranks = inGroups ? 4 : 2;
        List<INDArray> ends = TestNetwork.IPC.cluster(ranks).call(session -> {
            MultiLayerNetwork model = model();
            try (ParameterService service = ParameterService.builder(session)
                            .groups(2)
                            .training(Strategies.training(model, new BulkSynchronous())
                                    .compress(codecs))
                            .start();
                    Collective group = Collectives.choose(
                            service.group().endpoint(), Algorithm.AUTO, codecs == null ? null : codecs.get())) {
                UpdateStrategy strategy = inGroups
                        ? Strategies.hybrid(model, service, group)
                        : Strategies.parameterServer(model, service);
                try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                        .strategy(strategy)
                        .build()) {
                    trainer.fitSteps(ShardedData.of(ExampleSource.of(examples), 4, 1), steps);
                    return model.params();
                }
            }
        });
        ends.forEach(end -> Bound.assertIdentical(end, ends.get(0)));
        return ends.get(0);
    }

    private static double loss(INDArray parameters) {
        MultiLayerNetwork model = model();
        model.setParams(parameters);
        return model.score(EXAMPLES);
    }

    @ParameterizedTest(name = "{0}, in groups: {1}")
    @CsvSource({"bf16, false", "int8, false", "onebit, false", "topk:0.1, false", "bf16, true", "topk:0.1, true"})
    void aModelLearnsOnServersWithFewerBytes(String word, boolean inGroups) throws Exception {
        double before = loss(model().params());
        INDArray floats = train(null, inGroups, EXAMPLES, STEPS);

        INDArray compressed = train(GradientCodecs.of(word), inGroups, EXAMPLES, STEPS);

        assertThat(before - loss(compressed)).isGreaterThan(0.9 * (before - loss(floats)));
        assertThat(compressed).isNotEqualTo(floats);
    }

    @Test
    void aGradientThatIsNotFiniteIsNoticed() {
        DataSet broken = TestData.vectors(64, DataType.FLOAT, 1);
        broken.getFeatures().putScalar(5, Double.NaN);

        assertThatThrownBy(() -> train(GradientCodecs.of("topk:0.1"), false, broken, STEPS))
                .isInstanceOf(GyreException.class)
                .rootCause()
                .hasMessageContaining("NaN");
    }
}
