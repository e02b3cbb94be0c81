package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.local.Gyre;
import io.gyre.session.Session;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;

/** Neither a training that is asked to end, nor one whose checkpoints cannot be written, loses anything. */
class RequestedEndTest {

    private static final DataType TYPE = DataType.FLOAT;
    private static final int RANKS = 2;
    private static final int ROUNDS = 3;

    /** Four steps of two ranks with batches of five. */
    private static final DataSet EXAMPLES = TestData.vectors(40, TYPE, 1);

    @TempDir
    Path directory;

    private record Outcome(MultiLayerNetwork model, List<FitReport> reports, boolean ended, long step) {}

    /** Trains in rounds. Rank 1 asks for the end after a step; 0 for never. */
    private static Outcome program(Session session, Path checkpoints, boolean resume, int endAfter) {
        MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
        List<FitReport> reports = new ArrayList<>();
        AtomicReference<DistributedTrainer> self = new AtomicReference<>();
        try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                .checkpointDirectory(checkpoints)
                .resume(resume)
                .progressListener((step, epoch, summary) -> {
                    if (step == endAfter && session.world().rank() == 1) {
                        self.get().requestEnd();
                    }
                })
                .build()) {
            self.set(trainer);
            ShardedData data = ShardedData.of(ExampleSource.of(EXAMPLES), 5, 3);
            for (int round = 0; round < ROUNDS; round++) {
                reports.add(trainer.fit(data, 1));
            }
            return new Outcome(model, reports, trainer.ended(), trainer.step());
        }
    }

    private static List<Outcome> run(Path checkpoints, boolean resume, int endAfter) throws InterruptedException {
        return Gyre.local(RANKS).call(session -> program(session, checkpoints, resume, endAfter));
    }

    /** An epoch has four steps: when asked after the last, ranks end with it. */
    @ParameterizedTest(name = "after step {0}")
    @CsvSource({"1, 2", "4, 4", "6, 7"})
    void allRanksEndAfterTheNextStepAndTheResumedRunHasTheSameBits(int endAfter, int last) throws Exception {
        Outcome whole = run(directory.resolve("whole"), false, 0).get(0);
        Path checkpoints = directory.resolve("stopped");

        List<Outcome> stopped = run(checkpoints, false, endAfter);

        assertThat(stopped).allSatisfy(outcome -> {
            assertThat(outcome.ended()).isTrue();
            assertThat(outcome.step()).isEqualTo(last);
            assertThat(outcome.reports()).hasSize(ROUNDS);
            assertThat(outcome.reports().get(ROUNDS - 1).stopped()).isTrue();
            assertThat(outcome.reports().get(ROUNDS - 1).steps()).isZero();
        });
        assertThat(DistributedTrainer.newestCheckpoint(checkpoints)).hasValue(last);

        List<Outcome> resumed = run(checkpoints, true, 0);

        assertThat(resumed).allSatisfy(outcome -> {
            assertThat(outcome.ended()).isFalse();
            assertThat(outcome.step()).isEqualTo(whole.step());
            Bound.assertIdentical(outcome.model().params(), whole.model().params());
        });
    }

    @Test
    void askedBetweenCallsTheNextTakesOneStep() throws Exception {
        Gyre.local(RANKS).run(session -> {
            MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                ShardedData data = ShardedData.of(ExampleSource.of(EXAMPLES), 5, 3);
                trainer.requestEnd();

                assertThat(trainer.fit(data, 1).steps()).isEqualTo(1);
                assertThat(trainer.fit(data, 1).steps()).isZero();
                assertThat(trainer.ended()).isTrue();
                assertThat(trainer.evaluate(data).getNumRowCounter()).isEqualTo(EXAMPLES.numExamples());
            }
        });
    }

    /** A file cannot take the name of a directory that holds something. */
    private static void occupy(Path path) throws IOException {
        Files.createDirectories(path.resolve("something"));
    }

    private static Path file(Path checkpoints, int step) {
        return checkpoints.resolve(String.format("step-%08d.checkpoint", step));
    }

    @Test
    void aCheckpointThatCannotBeWrittenIsMadeGoodByTheNext() throws Exception {
        Path checkpoints = directory.resolve("checkpoints");
        Path occupied = file(checkpoints, 4);

        Gyre.local(RANKS).run(session -> fit(session, checkpoints, occupied));

        assertThat(occupied).isDirectory();
        assertThat(file(checkpoints, 8)).isRegularFile();
        assertThat(file(checkpoints, 12)).isRegularFile();
        assertThat(checkpoints.resolve("unfinished.checkpoint")).doesNotExist();
    }

    @Test
    void onlyWhenTheLastCannotBeWrittenTheCallFailsOnAllRanks() {
        Path checkpoints = directory.resolve("checkpoints");
        Path occupied = file(checkpoints, 12);

        assertThatThrownBy(() -> Gyre.local(RANKS).run(session -> fit(session, checkpoints, occupied)))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining(occupied + " cannot be written")
                .hasMessageContaining("The training is done up to step 12")
                .hasMessageContaining("export it to another place");
        assertThat(file(checkpoints, 8)).isRegularFile();
    }

    @Test
    void aLastCheckpointThatIsNotRequiredDoesNotFailTheCall() throws Exception {
        Path checkpoints = directory.resolve("checkpoints");
        Path occupied = file(checkpoints, 12);

        Gyre.local(RANKS).run(session -> fit(session, checkpoints, occupied, false));

        assertThat(occupied).isDirectory();
        assertThat(file(checkpoints, 8)).isRegularFile();
    }

    private static void fit(Session session, Path checkpoints, Path occupied) throws IOException {
        fit(session, checkpoints, occupied, true);
    }

    private static void fit(Session session, Path checkpoints, Path occupied, boolean required) throws IOException {
        MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
        try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                .checkpointDirectory(checkpoints)
                .checkpointsRequired(required)
                .build()) {
            occupy(occupied);
            trainer.fit(ShardedData.of(ExampleSource.of(EXAMPLES), 5, 3), ROUNDS);
        }
    }

    @Test
    void aDirectoryInWhichNothingCanBeWrittenIsFoundAtTheStart() throws Exception {
        occupy(directory.resolve("trial.checkpoint"));

        assertThatThrownBy(() -> run(directory, false, 0))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("checkpoint directory " + directory + " cannot be written to");
    }
}
