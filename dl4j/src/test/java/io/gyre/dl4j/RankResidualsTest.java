package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.allreduce.Algorithm;
import io.gyre.kernel.GradientCodecs;
import io.gyre.kernel.OneBitCodec;
import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.Adam;

/** What codecs have not sent yet is in the checkpoints, for every rank. */
@Timeout(120)
class RankResidualsTest {

    private static final DataType TYPE = DataType.FLOAT;
    private static final int RANKS = 3;
    private static final int EPOCHS = 3;
    private static final int KILLED_AFTER = 7;
    private static final String RESET = "begin at zero";

    @TempDir
    Path directory;

    private static final class Killed extends RuntimeException {}

    /** Trains in parts of 45 examples, 5 for each rank, and saves every second step. */
    private static List<INDArray> train(LocalCluster cluster, UnaryOperator<TrainerBuilder> options) throws Exception {
        return cluster.call(session -> {
            MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
            TrainerBuilder builder = DistributedTrainer.builder(model, session)
                    .algorithm(Algorithm.RING)
                    .bucketBytes(600)
                    .checkpointEverySteps(2);
            try (DistributedTrainer trainer = options.apply(builder).build()) {
                trainer.fit(ShardedData.of(ExampleSource.of(TestData.vectors(47, TYPE, 1)), 5, 3), EPOCHS);
            }
            return model.params();
        });
    }

    private UnaryOperator<TrainerBuilder> saving(String word, boolean resume) {
        return builder -> builder.compress(GradientCodecs.of(word))
                .checkpointDirectory(directory)
                .resume(resume);
    }

    private void trainAndKill(int ranks, String word) {
        assertThatThrownBy(() -> train(
                        Gyre.local(ranks),
                        builder -> saving(word, false).apply(builder).progressListener((step, epoch, summary) -> {
                            if (step == KILLED_AFTER) {
                                throw new Killed();
                            }
                        })))
                .hasRootCauseInstanceOf(Killed.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"topk:0.1", "onebit", "randomk:0.2", "threshold:0.1"})
    void aResumedRunEndsWithTheSameBits(String word) throws Exception {
        INDArray expected = train(Gyre.local(RANKS), builder -> builder.compress(GradientCodecs.of(word)))
                .get(0);

        trainAndKill(RANKS, word);
        try (LogLines log = new LogLines()) {
            List<INDArray> resumed = train(Gyre.local(RANKS), saving(word, true));

            assertThat(resumed).allSatisfy(each -> Bound.assertIdentical(each, expected));
            assertThat(log.with(RESET)).isEmpty();
        }
    }

    /** So that the test before this one can fail. */
    @Test
    void withoutItsResidualsARunEndsWithOtherBits() throws Exception {
        INDArray expected = train(Gyre.local(RANKS), builder -> builder.compress(GradientCodecs.of("topk:0.1")))
                .get(0);

        trainAndKill(RANKS, "topk:0.1");
        try (LogLines log = new LogLines()) {
            INDArray resumed =
                    train(Gyre.local(RANKS), saving("topk:0.10001", true)).get(0);

            assertThat(resumed).isNotEqualTo(expected);
            assertThat(log.with(RESET)).singleElement().asString().contains("topk:0.1 for 3 ranks", "topk:0.10001");
        }
    }

    @Test
    void anotherNumberOfRanksBeginsAtZeroAndSaysSoOnce() throws Exception {
        trainAndKill(RANKS, "onebit");

        try (LogLines log = new LogLines()) {
            List<INDArray> resumed = train(Gyre.local(2), saving("onebit", true));

            Bound.assertIdentical(resumed.get(1), resumed.get(0));
            assertThat(log.with(RESET))
                    .singleElement()
                    .asString()
                    .contains("WARN", "onebit for 3 ranks", "one of 2 ranks");
        }
    }

    @Test
    void aCodecWithResidualsBeginsAtZeroBehindOneWithout() throws Exception {
        trainAndKill(RANKS, "int8");

        try (LogLines log = new LogLines()) {
            train(Gyre.local(RANKS), saving("onebit", true));

            assertThat(log.with(RESET)).singleElement().asString().contains("those of none");
        }
    }

    @Test
    void aCodecWithoutResidualsSaysThatTheyAreLost() throws Exception {
        trainAndKill(RANKS, "onebit");

        try (LogLines log = new LogLines()) {
            train(Gyre.local(RANKS), saving("int8", true));

            assertThat(log.with("The checkpoint has residuals of a codec")).hasSize(1);
        }
    }

    /** Each seat has its own, also in a checkpoint that processes with other seats continue. */
    @Test
    void processesWithSeveralSeatsHaveTheSameBits() throws Exception {
        INDArray expected = train(Gyre.local(4), builder -> builder.compress(GradientCodecs.of("topk:0.1")))
                .get(0);

        Bound.assertIdentical(
                train(Gyre.local(4).processes(2), builder -> builder.compress(GradientCodecs.of("topk:0.1")))
                        .get(0),
                expected);
        trainAndKill(4, "topk:0.1");
        Bound.assertIdentical(
                train(Gyre.local(4).processes(3), saving("topk:0.1", true)).get(1), expected);
    }

    @Test
    void aRunWhoseProcessesMayChangeCannotKeepThem() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SeatChecks.checkGenerations(new Compression(List.of(new OneBitCodec()), null)))
                .withMessageContainingAll("onebit", "residual", "--restarts", "bf16, fp16 or int8");
    }
}
