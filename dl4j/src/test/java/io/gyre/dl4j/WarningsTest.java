package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import io.gyre.session.Session;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Sgd;

/** Faults that training survives are reported, by one of the ranks. */
@Timeout(120)
class WarningsTest {

    private static final DataType TYPE = DataType.DOUBLE;
    private static final int RANKS = 3;

    /** The steps in which a loss that is not finite is reported once. */
    private static final int STEPS_OF_A_WARNING = 100;

    @TempDir
    Path directory;

    /** Lines that contain a text, after training on three ranks. */
    private static List<String> lines(String text, Function<Session, DistributedTrainer> trainers, int steps)
            throws InterruptedException {
        List<DataSet> batches = TestData.batches(TestData.vectors(24, TYPE, 1), 6);
        try (LogLines log = new LogLines()) {
            Gyre.local(RANKS).run(session -> {
                try (DistributedTrainer trainer = trainers.apply(session)) {
                    FitReport report =
                            trainer.fitSteps(ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES), steps);
                    assertThat(report.steps()).isEqualTo(steps);
                }
            });
            return log.with(text);
        }
    }

    @Test
    void aLossThatIsNotFiniteIsReportedWithItsRanksOnceInAWhile() throws Exception {
        List<String> found = lines(
                "the gradients are finite: training continues",
                session -> DistributedTrainer.of(AsPlainFitTest.withInfiniteLoss(), session),
                STEPS_OF_A_WARNING + 1);

        assertThat(found).hasSize(2);
        assertThat(found.get(0))
                .contains("The loss of step 0 is Infinity on rank 0 (", "Infinity on rank 1 (", "Infinity on rank 2 (");
        assertThat(found.get(1)).contains("The loss of step " + STEPS_OF_A_WARNING + " is Infinity on rank 0 (");
    }

    @Test
    void aCheckpointThatCannotBeWrittenIsReportedWithItsReason() throws Exception {
        // A file cannot replace a directory that is not empty.
        Path occupied = directory.resolve("step-00000002.checkpoint");

        List<String> found = lines("cannot be written", session -> saving(session, occupied), 4);

        assertThat(found)
                .singleElement()
                .asString()
                .contains("checkpoint " + occupied + " cannot be written: ")
                .contains("Training continues, and the next checkpoint is tried when it is due");
        assertThat(directory.resolve("step-00000004.checkpoint")).isRegularFile();
    }

    /** Occupies the place after the directory was tried. */
    private DistributedTrainer saving(Session session, Path occupied) {
        MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Sgd(0.1), TYPE));
        DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                .checkpointDirectory(directory)
                .checkpointEverySteps(2)
                .build();
        if (session.world().isRoot()) {
            assertThat(occupied.resolve("something").toFile().mkdirs()).isTrue();
        }
        return trainer;
    }
}
