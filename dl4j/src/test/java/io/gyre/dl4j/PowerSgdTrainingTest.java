package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.allreduce.Algorithm;
import io.gyre.allreduce.Collectives;
import io.gyre.allreduce.WeightMatrix;
import io.gyre.kernel.Bfloat16Codec;
import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import io.gyre.training.Synchronous;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Nesterovs;

/** Training with gradients that are sent as factors. */
@Timeout(120)
class PowerSgdTrainingTest {

    private static final DataType TYPE = DataType.FLOAT;
    private static final int RANKS = 3;
    private static final int STEPS = 8;
    private static final int LONG = 100;
    private static final int KILLED_AFTER = 7;

    @TempDir
    Path directory;

    private static final class Killed extends RuntimeException {}

    private static MultiLayerNetwork model() {
        return TestModels.perceptron(TestModels.configuration(new Nesterovs(0.05, 0.9), TYPE));
    }

    private static List<INDArray> train(int steps, UnaryOperator<TrainerBuilder> options) throws Exception {
        return train(Gyre.local(RANKS), steps, options);
    }

    private static List<INDArray> train(LocalCluster cluster, int steps, UnaryOperator<TrainerBuilder> options)
            throws Exception {
        return cluster.call(session -> {
            MultiLayerNetwork model = model();
            TrainerBuilder builder = DistributedTrainer.builder(model, session).algorithm(Algorithm.RING);
            try (DistributedTrainer trainer = options.apply(builder).build()) {
                trainer.fitSteps(ShardedData.of(ExampleSource.of(TestData.vectors(64, TYPE, 1)), 4, 1), steps);
            }
            return model.params();
        });
    }

    /** With a quarter of the bytes, the loss falls as far, within a tenth. */
    @Test
    void aModelLearnsFromFactors() throws Exception {
        double before = loss(train(0, builder -> builder));
        double plain = loss(train(LONG, builder -> builder));
        List<INDArray> lowRank = train(LONG, builder -> builder.powerSgd(1));

        assertThat(lowRank).allSatisfy(each -> Bound.assertIdentical(each, lowRank.get(0)));
        assertThat(lowRank.get(0)).isNotEqualTo(train(LONG, builder -> builder).get(0));
        assertThat(before - loss(lowRank)).isGreaterThan(0.9 * (before - plain));
    }

    private static double loss(List<INDArray> ranks) {
        MultiLayerNetwork model = model();
        model.setParams(ranks.get(0));
        DataSet all = TestData.vectors(64, TYPE, 1);
        return model.score(all);
    }

    /** Buckets are shorter than the layers. */
    @ParameterizedTest
    @EnumSource(
            value = Overlap.class,
            names = {"ON", "OFF"})
    void overlapDoesNotChangeTheBits(Overlap overlap) throws Exception {
        INDArray whole = train(STEPS, builder -> builder.powerSgd(2)).get(0);
        List<INDArray> inParts =
                train(STEPS, builder -> builder.powerSgd(2).overlap(overlap).bucketBytes(300));

        // The order of the sums on a ring depends on what is summed together.
        assertThat(inParts).allSatisfy(each -> Bound.assertIdentical(each, inParts.get(0)));
        assertThat(inParts.get(0).sub(whole).amaxNumber().doubleValue()).isLessThan(1e-4);
    }

    @Test
    void aDividedUpdateGivesTheSameBits() throws Exception {
        INDArray whole = train(STEPS, builder -> builder.powerSgd(2).shardedUpdate(ShardedUpdate.OFF))
                .get(0);
        List<INDArray> divided = train(STEPS, builder -> builder.powerSgd(2).shardedUpdate(ShardedUpdate.ON));

        assertThat(divided).allSatisfy(each -> Bound.assertIdentical(each, whole));
    }

    @Test
    void inSharedMemoryNothingIsLost() throws Exception {
        INDArray plain =
                train(STEPS, builder -> builder.algorithm(Algorithm.DIRECT)).get(0);
        INDArray lowRank = train(
                        STEPS, builder -> builder.algorithm(Algorithm.DIRECT).powerSgd(1))
                .get(0);

        Bound.assertIdentical(lowRank, plain);
    }

    private List<INDArray> trainAndSave(UnaryOperator<TrainerBuilder> options) throws Exception {
        return Gyre.local(RANKS).call(session -> {
            MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
            TrainerBuilder builder = DistributedTrainer.builder(model, session)
                    .algorithm(Algorithm.RING)
                    .bucketBytes(600)
                    .checkpointEverySteps(2);
            try (DistributedTrainer trainer = options.apply(builder).build()) {
                trainer.fit(ShardedData.of(ExampleSource.of(TestData.vectors(47, TYPE, 1)), 5, 3), 3);
            }
            return model.params();
        });
    }

    private void trainAndKill() {
        assertThatThrownBy(() -> trainAndSave(builder -> builder.powerSgd(2)
                        .checkpointDirectory(directory)
                        .progressListener((step, epoch, summary) -> {
                            if (step == KILLED_AFTER) {
                                throw new Killed();
                            }
                        })))
                .hasRootCauseInstanceOf(Killed.class);
    }

    @Test
    void aResumedRunEndsWithTheSameBits() throws Exception {
        INDArray expected = trainAndSave(builder -> builder.powerSgd(2)).get(0);

        trainAndKill();
        try (LogLines log = new LogLines()) {
            List<INDArray> resumed = trainAndSave(builder ->
                    builder.powerSgd(2).checkpointDirectory(directory).resume(true));

            assertThat(resumed).allSatisfy(each -> Bound.assertIdentical(each, expected));
            assertThat(log.with("begin at zero")).isEmpty();
        }
    }

    @Test
    void aRunWithOtherFactorsDoesNotContinueIt() {
        trainAndKill();

        assertThatThrownBy(() -> trainAndSave(builder ->
                        builder.powerSgd(1).checkpointDirectory(directory).resume(true)))
                .hasStackTraceContaining("start of powersgd:2")
                .hasStackTraceContaining("start of powersgd:1");
    }

    /** Dense weights lie output by output, kernels of a convolution by their output. */
    @Test
    void weightsAreMatricesOfOutputsByInputs() {
        assertThat(new ModelLayout(Network.of(model())).matrices())
                .startsWith(new WeightMatrix(0, 16, 12), new WeightMatrix(208, 10, 16))
                .hasSize(3);
        WeightMatrix kernels = new ModelLayout(
                        Network.of(TestModels.convolutional(TestModels.configuration(new Adam(0.01), TYPE), true)))
                .matrices()
                .get(0);
        assertThat(kernels.rows()).isEqualTo(4);
        assertThat(kernels.columns()).isEqualTo(2 * 3 * 3);
    }

    @Test
    void ranksWithOtherFactorsAreStopped() {
        assertThatThrownBy(() -> Gyre.local(2)
                        .run(session -> DistributedTrainer.builder(model(), session)
                                .powerSgd(session.world().isRoot() ? 2 : 3)
                                .build()
                                .close()))
                .rootCause()
                .hasMessageContainingAll("compression", "powersgd:2", "powersgd:3");
    }

    @Test
    void whatCannotBeSentAsFactorsIsRejected() throws Exception {
        Gyre.local(1).run(session -> {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> DistributedTrainer.builder(
                                    TestModels.perceptron(TestModels.configuration(new Adam(0.01), DataType.DOUBLE)),
                                    session)
                            .powerSgd(2)
                            .build())
                    .withMessageContainingAll("powerSgd(2)", "FLOAT", "DOUBLE");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> DistributedTrainer.builder(model(), session)
                            .powerSgd(2)
                            .compress(Bfloat16Codec::new)
                            .build())
                    .withMessageContainingAll("powerSgd(2)", "compress");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> DistributedTrainer.builder(model(), session)
                            .powerSgd(2)
                            .mixedPrecision(true)
                            .build())
                    .withMessageContainingAll("powerSgd(2)", "mixedPrecision");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> DistributedTrainer.builder(model(), session)
                            .powerSgd(2)
                            .strategy(new Synchronous(Collectives.choose(session.endpoint())))
                            .build())
                    .withMessageContainingAll("powerSgd(2)", "strategy allreduce");
            assertThatIllegalArgumentException()
                    .isThrownBy(
                            () -> DistributedTrainer.builder(model(), session).powerSgd(0))
                    .withMessageContaining("powerSgd");
        });
    }

    @Test
    void aProcessWithSeveralSeatsIsRefused() {
        assertThatThrownBy(() -> train(Gyre.local(4).processes(2), STEPS, builder -> builder.powerSgd(2)))
                .hasStackTraceContaining("powerSgd(2) cannot be used in a run in which a process may hold several");
    }
}
