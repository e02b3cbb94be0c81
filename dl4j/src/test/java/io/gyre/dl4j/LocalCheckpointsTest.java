package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.allreduce.Collectives;
import io.gyre.local.Gyre;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.paramserver.StrategyOptions.Kind;
import io.gyre.session.Session;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.api.Model;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.Adam;

/** A run of local steps that was killed or stopped, and resumed, is bit-identical to one that was not. */
@Timeout(120)
class LocalCheckpointsTest {

    private static final DataType TYPE = DataType.FLOAT;
    private static final int RANKS = 4;
    private static final int EPOCHS = 3;
    private static final int NEVER = Integer.MAX_VALUE;

    @TempDir
    Path directory;

    private static final class Killed extends RuntimeException {}

    private static StrategyOptions options(Kind kind, int fragments, int delay, int groups) {
        StrategyOptions.Builder options = StrategyOptions.builder(groups == RANKS ? kind : Kind.HYBRID);
        if (groups < RANKS) {
            options.between(kind).groups(groups);
        }
        options.period(5);
        if (kind == Kind.DILOCO) {
            options.fragments(fragments).delay(delay);
        } else {
            options.localAfter(3L);
        }
        return options.build();
    }

    /** Four steps an epoch, the last of which has fewer examples, unevenly divided. */
    private static ShardedData data() {
        return ShardedData.of(ExampleSource.of(TestData.images(45, TYPE, 1)), 3, 7);
    }

    private static Model model() {
        return TestModels.convolutional(
                TestModels.configuration(new Adam(0.01), TYPE).dropOut(0.8), true);
    }

    /** Trains, and returns each rank's parameters. */
    private static List<INDArray> train(
            int ranks, StrategyOptions options, UnaryOperator<TrainerBuilder> further, int epochs)
            throws InterruptedException {
        return Gyre.local(ranks).call(session -> train(session, options, further, epochs));
    }

    private static INDArray train(
            Session session, StrategyOptions options, UnaryOperator<TrainerBuilder> further, int epochs) {
        Model model = model();
        try (LocalStrategy local = LocalStrategy.open(options, session, Collectives::choose);
                DistributedTrainer trainer = further.apply(DistributedTrainer.builder(model, session)
                                .strategy(local.strategy())
                                .overlap(Objects.requireNonNull(options.local()).delay() > 0 ? Overlap.ON : Overlap.OFF)
                                .bucketBytes(400))
                        .build()) {
            trainer.fit(data(), epochs);
        }
        return model.params();
    }

    private UnaryOperator<TrainerBuilder> saving(boolean resume, int killAt) {
        return builder -> builder.checkpointDirectory(directory)
                .checkpointEverySteps(2)
                .resume(resume)
                .progressListener((step, epoch, summary) -> {
                    if (step == killAt) {
                        throw new Killed();
                    }
                });
    }

    private void trainAndKill(StrategyOptions options, int killAt) {
        assertThatThrownBy(() -> train(RANKS, options, saving(false, killAt), EPOCHS))
                .hasRootCauseInstanceOf(Killed.class);
    }

    /** The synchronous steps, the middle and the end of a period, the end of an epoch, and a sum that has begun. */
    @ParameterizedTest(name = "{0}, {1} fragments, {2} step late, in {3} groups, killed after step {4}")
    @CsvSource({
        "POST_LOCAL, 1, 0, 4, 3",
        "POST_LOCAL, 1, 0, 4, 7",
        "POST_LOCAL, 1, 0, 2, 9",
        "DILOCO, 1, 0, 4, 5",
        "DILOCO, 1, 0, 4, 9",
        "DILOCO, 3, 0, 4, 11",
        "DILOCO, 3, 1, 4, 5",
        "DILOCO, 5, 1, 4, 7",
        "DILOCO, 5, 1, 4, 10",
        "DILOCO, 5, 1, 2, 7"
    })
    void aResumedRunEndsWithTheSameBits(Kind kind, int fragments, int delay, int groups, int killAt) throws Exception {
        StrategyOptions options = options(kind, fragments, delay, groups);
        List<INDArray> expected = train(RANKS, options, builder -> builder, EPOCHS);

        trainAndKill(options, killAt);
        List<INDArray> resumed = train(RANKS, options, saving(true, NEVER), EPOCHS);

        assertThat(resumed).allSatisfy(each -> Bound.assertIdentical(each, expected.get(0)));
    }

    /** The end of a call synchronises all fragments: a run that continues must not have done so. */
    @Test
    void aRunThatWasAskedToStopEndsWithTheSameBits() throws Exception {
        StrategyOptions options = options(Kind.DILOCO, 5, 1, RANKS);
        List<INDArray> expected = train(RANKS, options, builder -> builder, EPOCHS);

        Gyre.local(RANKS).run(session -> {
            try (LocalStrategy local = LocalStrategy.open(options, session, Collectives::choose)) {
                DistributedTrainer[] self = new DistributedTrainer[1];
                try (DistributedTrainer trainer = saving(false, NEVER)
                        .apply(DistributedTrainer.builder(model(), session)
                                .strategy(local.strategy())
                                .bucketBytes(400))
                        .progressListener((step, epoch, summary) -> {
                            if (step == 6) {
                                self[0].requestEnd();
                            }
                        })
                        .build()) {
                    self[0] = trainer;
                    assertThat(trainer.fit(data(), EPOCHS).steps()).isEqualTo(7);
                    assertThat(trainer.parametersSha256OfAllRanks()).containsOnly(trainer.parametersSha256());
                }
            }
        });
        List<INDArray> resumed = train(RANKS, options, saving(true, NEVER), EPOCHS);

        assertThat(resumed).allSatisfy(each -> Bound.assertIdentical(each, expected.get(0)));
    }

    @Test
    void aFinishedRunCanBeGivenMoreEpochs() throws Exception {
        StrategyOptions options = options(Kind.DILOCO, 1, 0, RANKS);
        List<INDArray> expected = train(RANKS, options, builder -> builder, EPOCHS + 2);

        train(RANKS, options, saving(false, NEVER), EPOCHS);
        List<INDArray> more = train(RANKS, options, saving(true, NEVER), EPOCHS + 2);

        assertThat(more).allSatisfy(each -> Bound.assertIdentical(each, expected.get(0)));
    }

    @ParameterizedTest
    @CsvSource({"2", "6"})
    void anotherNumberOfRanksSaysOnceWhatIsLost(int ranks) throws Exception {
        StrategyOptions options = options(Kind.DILOCO, 5, 1, RANKS);
        trainAndKill(options, 7);

        try (LogLines log = new LogLines()) {
            List<INDArray> resumed = train(ranks, options, saving(true, NEVER), EPOCHS);

            assertThat(resumed).hasSize(ranks).allSatisfy(each -> Bound.assertIdentical(each, resumed.get(0)));
            assertThat(log.with("The checkpoint is of 4 ranks"))
                    .singleElement()
                    .asString()
                    .contains("WARN", "one of " + ranks);
        }
    }

    /** No step is left that would bring them together. */
    @Test
    void replicasOfAnotherNumberOfRanksEndEqual() throws Exception {
        StrategyOptions options = options(Kind.DILOCO, 1, 0, RANKS);
        train(RANKS, options, saving(false, NEVER), EPOCHS);

        List<INDArray> resumed = train(2, options, saving(true, NEVER), EPOCHS);

        Bound.assertIdentical(resumed.get(1), resumed.get(0));
    }

    @Test
    void otherSettingsAndOtherStrategiesAreRefusedWithBothValues() {
        trainAndKill(options(Kind.DILOCO, 1, 0, RANKS), 7);

        assertThatThrownBy(() -> train(RANKS, options(Kind.DILOCO, 5, 0, RANKS), saving(true, NEVER), EPOCHS))
                .hasRootCauseInstanceOf(GyreException.class)
                .rootCause()
                .hasMessageContainingAll("another strategy", "every 5 steps, outer", "every 5 steps in 5 fragments");
        assertThatThrownBy(() -> Gyre.local(RANKS).run(session -> {
                    try (DistributedTrainer trainer = saving(true, NEVER)
                            .apply(DistributedTrainer.builder(model(), session))
                            .build()) {
                        trainer.fit(data(), EPOCHS);
                    }
                }))
                .rootCause()
                .hasMessageContainingAll("of local steps (diloco, every 5 steps", "this program has allreduce");
    }

    /** As one does with post-local SGD: the first steps are synchronous. */
    @Test
    void localStepsGoOnFromACheckpointOfSynchronousTraining() throws Exception {
        StrategyOptions options = options(Kind.POST_LOCAL, 1, 0, RANKS);
        List<INDArray> expected = train(RANKS, options, builder -> builder, EPOCHS);

        assertThatThrownBy(() -> Gyre.local(RANKS).run(session -> {
                    try (DistributedTrainer trainer = saving(false, 3)
                            .apply(DistributedTrainer.builder(model(), session).bucketBytes(400))
                            .build()) {
                        trainer.fit(data(), EPOCHS);
                    }
                }))
                .hasRootCauseInstanceOf(Killed.class);
        List<INDArray> resumed = train(RANKS, options, saving(true, NEVER), EPOCHS);

        assertThat(resumed).allSatisfy(each -> Bound.assertIdentical(each, expected.get(0)));
    }
}
