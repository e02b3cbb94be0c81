package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.gyre.allreduce.Algorithm;
import io.gyre.allreduce.Collectives;
import io.gyre.kernel.Bfloat16Codec;
import io.gyre.kernel.Float16Codec;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.GradientCodecs;
import io.gyre.local.Gyre;
import io.gyre.training.Synchronous;
import java.util.List;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.Nesterovs;

/** Training with gradients that are sent in fewer bytes. */
@Timeout(60)
class CompressionTest {

    private static final int STEPS = 6;
    private static final int LONG = 100;
    private static final int BATCH = 4;

    private record Trained(FitReport report, INDArray parameters) {}

    private static MultiLayerNetwork model(DataType type) {
        return TestModels.perceptron(TestModels.configuration(new Nesterovs(0.05, 0.9), type));
    }

    private static List<Trained> train(TestNetwork network, int ranks, UnaryOperator<TrainerBuilder> options)
            throws Exception {
        return train(network, ranks, STEPS, options);
    }

    private static List<Trained> train(TestNetwork network, int ranks, int steps, UnaryOperator<TrainerBuilder> options)
            throws Exception {
        return network.cluster(ranks).call(session -> {
            MultiLayerNetwork model = model(DataType.FLOAT);
            TrainerBuilder builder = DistributedTrainer.builder(model, session).algorithm(Algorithm.RING);
            try (DistributedTrainer trainer = options.apply(builder).build()) {
                FitReport report = trainer.fitSteps(
                        ShardedData.of(ExampleSource.of(TestData.vectors(64, DataType.FLOAT, 1)), BATCH, 1), steps);
                return new Trained(report, model.params());
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"bf16", "fp16"})
    void halfOfTheGradientsBytesAreSent(String word) throws Exception {
        List<Trained> plain = train(TestNetwork.IPC, 2, builder -> builder);
        List<Trained> compressed = train(TestNetwork.IPC, 2, builder -> builder.compress(GradientCodecs.of(word)));

        long gradients = (long) STEPS * model(DataType.FLOAT).numParams() * Float.BYTES;
        assertThat(bytes(plain) - bytes(compressed)).isEqualTo(2 * gradients / 2);
    }

    private static long bytes(List<Trained> ranks) {
        return ranks.stream().mapToLong(rank -> rank.report().bytesSent()).sum();
    }

    @ParameterizedTest
    @EnumSource(
            value = Overlap.class,
            names = {"ON", "OFF"})
    void ranksStayEqualAndNearATrainingInFloats(Overlap overlap) throws Exception {
        List<Trained> plain = train(TestNetwork.LOCAL, 3, builder -> builder);
        List<Trained> compressed = train(
                TestNetwork.LOCAL,
                3,
                builder -> builder.compress(Bfloat16Codec::new).overlap(overlap).bucketBytes(700));

        float[] expected = plain.get(0).parameters().toFloatVector();
        for (Trained rank : compressed) {
            float[] parameters = rank.parameters().toFloatVector();
            Bound.assertIdentical(rank.parameters(), compressed.get(0).parameters());
            assertThat(parameters).isNotEqualTo(expected);
            assertThat(rank.report().skippedSteps()).isZero();
            for (int i = 0; i < expected.length; i++) {
                // The rate, times ten for the momentum, times the rounding error of gradients of up to 1.
                assertThat(parameters[i]).isCloseTo(expected[i], within(STEPS * 0.05f * 10 * 0x1p-8f));
            }
        }
    }

    @Test
    void bucketsAndOverlapDoNotChangeTheBits() throws Exception {
        List<Trained> whole = train(TestNetwork.LOCAL, 3, builder -> builder.compress(Float16Codec::new));
        List<Trained> inParts = train(
                TestNetwork.LOCAL,
                3,
                builder ->
                        builder.compress(Float16Codec::new).overlap(Overlap.ON).bucketBytes(300));

        Bound.assertIdentical(inParts.get(0).parameters(), whole.get(0).parameters());
    }

    /** Twenty epochs with a hundredth to a quarter of the bytes: the loss falls as far, within a tenth. */
    @ParameterizedTest
    @ValueSource(strings = {"int8", "onebit", "topk:0.1", "randomk:0.2", "threshold:0.2"})
    void aModelLearnsWithFewerBytes(String word) throws Exception {
        double before = loss(train(TestNetwork.LOCAL, 3, 0, builder -> builder));
        double plain = loss(train(TestNetwork.LOCAL, 3, LONG, builder -> builder));
        List<Trained> compressed =
                train(TestNetwork.LOCAL, 3, LONG, builder -> builder.compress(GradientCodecs.of(word)));

        compressed.forEach(rank ->
                Bound.assertIdentical(rank.parameters(), compressed.get(0).parameters()));
        assertThat(before - loss(compressed)).isGreaterThan(0.9 * (before - plain));
    }

    private static double loss(List<Trained> ranks) {
        MultiLayerNetwork model = model(DataType.FLOAT);
        model.setParams(ranks.get(0).parameters());
        return model.score(TestData.vectors(64, DataType.FLOAT, 1));
    }

    @Test
    void inSharedMemoryNothingIsRounded() throws Exception {
        List<Trained> plain = train(TestNetwork.LOCAL, 2, builder -> builder.algorithm(Algorithm.DIRECT));
        List<Trained> compressed = train(
                TestNetwork.LOCAL,
                2,
                builder -> builder.algorithm(Algorithm.DIRECT).compress(Bfloat16Codec::new));

        Bound.assertIdentical(compressed.get(0).parameters(), plain.get(0).parameters());
    }

    @Test
    void ranksWithDifferentCodecsAreStopped() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    GradientCodec own = session.world().isRoot() ? new Bfloat16Codec() : new Float16Codec();
                    DistributedTrainer.builder(model(DataType.FLOAT), session)
                            .compress(() -> own)
                            .build();
                }))
                .rootCause()
                .hasMessageContainingAll("compression", "bf16", "fp16");
    }

    @Test
    void whatCannotBeCompressedIsRejected() throws Exception {
        Gyre.local(1).run(session -> {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> DistributedTrainer.builder(model(DataType.DOUBLE), session)
                            .compress(Bfloat16Codec::new)
                            .build())
                    .withMessageContainingAll("compress", "FLOAT", "DOUBLE");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> DistributedTrainer.builder(model(DataType.FLOAT), session)
                            .mixedPrecision(true)
                            .strategy(new Synchronous(Collectives.choose(session.endpoint())))
                            .build())
                    .withMessageContainingAll("mixedPrecision", "strategy", "Collectives.choose");
        });
        String names = "bf16, fp16, int8[:BLOCK], onebit, topk:FRACTION, randomk:FRACTION, threshold:VALUE";
        for (String word : List.of("int4", "", "BF16", "powersg:2")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> GradientCodecs.of(word))
                    .withMessage("'" + word + "' is none of " + names);
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GradientCodecs.of("powersgd:2"))
                .withMessageContainingAll("'powersgd:2' needs the shapes of layers", "powerSgd", names);
        for (String word : List.of("topk", "randomk:", "threshold:much", "int8:64.5", "int8:")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> GradientCodecs.of(word))
                    .withMessageStartingWith("'" + word + "': its parameter '")
                    .withMessageEndingWith("' is no number; give one of " + names);
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GradientCodecs.of("topk:1.5"))
                .withMessage("'topk:1.5': a fraction of 1.5: give topk more than 0 and at most 1, such as topk:0.01");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GradientCodecs.of("int8:7"))
                .withMessage("'int8:7': blocks of 7 elements: give int8 from 32 to 16384, such as int8:256");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GradientCodecs.of("fp16:3"))
                .withMessage("'fp16:3': fp16 has no parameter");
    }
}
