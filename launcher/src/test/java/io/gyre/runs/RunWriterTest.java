package io.gyre.runs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunWriterTest {

    private static final RunPlan PLAN = new RunPlan(
            null,
            List.of("train", "mlp", "--batch", "8"),
            Map.of("model", "mlp", "data", "drawn digits", "batch", 8, "precision", "float"),
            List.of("here", "here"),
            false);

    @TempDir
    private Path parent;

    private RunFiles files;

    @BeforeEach
    void name() {
        files = new RunFiles(parent.resolve("a"));
    }

    /** A run of some steps, which is stopped after them or complete. */
    private void train(long from, long to, boolean resume, RunState end) throws IOException {
        try (RunWriter writer = RunWriter.open(files, PLAN, resume)) {
            writer.begin(from);
            for (long step = from + 1; step <= to; step++) {
                writer.stepDone(step, 1, 1.0 / step, 16);
            }
            writer.measured(to, 1, Map.of("accuracy", 0.5));
            writer.end(end, to - from, 16 * (to - from), 0.5, Map.of("accuracy", 0.5, "step", to));
        }
    }

    @Test
    void aRunThatHasEndedLeavesItsRecordItsCurvesItsCardAndItsPlot() throws IOException {
        train(0, 40, false, RunState.COMPLETE);

        RunRecord record = RunRecord.read(files);
        assertThat(record.name()).isEqualTo("a");
        assertThat(record.state()).isEqualTo(RunState.COMPLETE);
        assertThat(record.arguments()).isEqualTo(PLAN.arguments());
        assertThat(record.setup()).containsEntry("batch", 8);
        assertThat(record.versions()).anyMatch(line -> line.startsWith("Java "));
        assertThat(record.lastAttempt().examples()).isEqualTo(640);
        List<MetricsFile.Line> lines = MetricsFile.lines(files.metrics());
        assertThat(lines.get(0).values()).containsEntry("step", 1.0).containsEntry("loss", 1.0);
        assertThat(lines.get(lines.size() - 1).values())
                .containsEntry("step", 40.0)
                .containsEntry("accuracy", 0.5);
        assertThat(files.card())
                .content()
                .contains("# Model card: a", "| Accuracy, held out | 0.5000 |", "| Examples | 640 |")
                .contains("gyre train mlp --batch 8", "![Loss over steps](loss.svg)");
        JsonNode card = new ObjectMapper().readTree(files.cardJson().toFile());
        assertThat(card.get("reproduce").asText()).isEqualTo("gyre train mlp --batch 8");
        assertThat(card.get("examples").asInt()).isEqualTo(640);
        assertThat(files.plot()).content().startsWith("<svg ").contains("<polyline");
        assertThat(parent).isDirectoryContaining(files.directory()::equals);
        assertThat(parent.toFile().list()).containsExactly("a");
    }

    @Test
    void aResumedRunDropsTheLinesOfStepsThatWereLostAndAddsUpItsAttempts() throws IOException {
        train(0, 30, false, RunState.STOPPED);
        Files.writeString(files.metrics(), Files.readString(files.metrics()) + "{\"step\":99,\"loss\":1}\n{\"step\":1");

        train(20, 40, true, RunState.COMPLETE);

        assertThat(MetricsFile.lines(files.metrics()))
                .extracting(MetricsFile.Line::step)
                .isSorted()
                .doesNotContain(30L, 99L)
                .contains(1L, 21L, 40L);
        RunRecord record = RunRecord.read(files);
        assertThat(record.attempts()).extracting(RunRecord.Attempt::firstStep).containsExactly(0L, 20L);
        assertThat(ModelCard.of(record, List.of()).steps()).isEqualTo(50);
    }

    @Test
    void theCardOfARunThatFailedSaysHowFarItCame() throws IOException {
        try (RunWriter writer = RunWriter.open(files, PLAN, false)) {
            writer.begin(0);
            writer.stepDone(1, 1, 4, 16);
            writer.stepDone(2, 1, 3, 16);
            writer.fail("rank 1 was lost");
        }

        String card = ModelCard.of(RunRecord.read(files), MetricsFile.lines(files.metrics()))
                .markdown();
        assertThat(card)
                .contains("| State | failed |", "| Last step seen | 2 |")
                .doesNotContain("| Steps |", "| Examples |");
    }

    @Test
    void everyEpochHasALineOfItsOwnSteps() throws IOException {
        try (RunWriter writer = RunWriter.open(files, PLAN, false)) {
            writer.begin(0);
            writer.stepDone(1, 1, 4, 16);
            writer.stepDone(2, 1, 3, 16);
            writer.stepDone(3, 1, 1, 16);
            writer.stepDone(4, 2, 0.5, 16);
            writer.end(RunState.COMPLETE, 4, 64, 1, Map.of());
        }

        assertThat(MetricsFile.lines(files.metrics()))
                .filteredOn(line -> line.step() == 3)
                .singleElement()
                .satisfies(line -> assertThat(line.values()).containsEntry("epoch", 1.0));
    }

    @Test
    void twoRunsInOneDirectoryAreRefused() throws IOException {
        try (RunWriter first = RunWriter.open(files, PLAN, false)) {
            assertThatThrownBy(() -> RunWriter.open(files, PLAN, false))
                    .isInstanceOf(BadRunException.class)
                    .hasMessage(files.directory()
                            + " is the directory of a run that is under way (this process): choose another directory");
            assertThatThrownBy(() -> RunWriter.open(files, PLAN, true))
                    .isInstanceOf(BadRunException.class)
                    .hasMessageContaining("is under way (this process): wait for it");
            assertThat(Runs.see(files).state()).isEqualTo(RunState.RUNNING);
            first.fail("no data");
        }
        assertThat(RunRecord.read(files).failure()).isEqualTo("no data");
    }

    @Test
    void aRunThatEndedWithoutAWordWasKilled() throws IOException {
        RunWriter.open(files, PLAN, false).close();

        assertThat(Runs.see(files).state()).isEqualTo(RunState.KILLED);
    }

    @Test
    void aNewRunDoesNotTakeTheDirectoryOfAnother() throws IOException {
        train(0, 2, false, RunState.COMPLETE);

        assertThatThrownBy(() -> RunWriter.check(files, false))
                .isInstanceOf(BadRunException.class)
                .hasMessage(files.directory()
                        + " holds a run already (complete): choose another directory, or continue that run with gyre"
                        + " runs resume " + files.directory());
    }

    @Test
    void anEmptyDirectoryIsTaken() throws IOException {
        Files.createDirectory(files.directory());

        train(0, 2, false, RunState.COMPLETE);

        assertThat(files.record()).exists();
    }

    @Test
    void aDirectoryWithoutARecordIsNoRun() throws IOException {
        Files.createDirectories(files.checkpoints());

        assertThatThrownBy(() -> RunWriter.open(files, PLAN, false))
                .isInstanceOf(BadRunException.class)
                .hasMessageStartingWith(
                        files.directory() + " is not a run directory, or is half written: it has no run.json");
    }

    @Test
    void aRecordOfAnotherVersionIsNamed() throws IOException {
        train(0, 2, false, RunState.COMPLETE);
        Files.writeString(files.record(), Files.readString(files.record()).replace("\"format\" : 1", "\"format\" : 7"));

        assertThatThrownBy(() -> RunWriter.open(files, PLAN, true))
                .isInstanceOf(BadRunException.class)
                .hasMessageStartingWith(files.record() + " has format 7, and this version of Gyre reads 1");
    }

    @Test
    void aDamagedRecordIsNamed() throws IOException {
        train(0, 2, false, RunState.COMPLETE);
        Files.writeString(files.record(), Files.readString(files.record()).substring(0, 200));

        assertThatThrownBy(() -> RunRecord.read(files))
                .isInstanceOf(BadRunException.class)
                .hasMessageStartingWith(files.record() + " is damaged: ");
        assertThat(Runs.see(files).problem()).contains("is damaged");
    }

    @Test
    void whereNothingCanBeWrittenNothingIsLeft() throws IOException {
        Path file = Files.createFile(parent.resolve("file"));

        assertThatThrownBy(() -> RunWriter.open(new RunFiles(file.resolve("b")), PLAN, false))
                .isInstanceOf(IOException.class);
        assertThat(parent.toFile().list()).containsExactly("file");
    }

    @Test
    void aDirectoryThatIsLostOnTheWayDoesNotEndTheTraining() throws IOException {
        try (RunWriter writer = RunWriter.open(files, PLAN, false)) {
            writer.begin(0);
            writer.stepDone(1, 1, 1, 16);
            RunDirectories.remove(files.directory());

            writer.stepDone(2, 2, 1, 16);
            writer.end(RunState.COMPLETE, 2, 32, 1, Map.of());
        }

        assertThat(files.directory()).doesNotExist();
    }
}
