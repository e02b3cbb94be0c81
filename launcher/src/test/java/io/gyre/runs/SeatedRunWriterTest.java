package io.gyre.runs;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.launcher.SeatEvent;
import io.gyre.membership.RunProcess;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rank 0 of a run with seats moves from process to process, and its files go on. */
class SeatedRunWriterTest {

    private static final List<Member> ANT = List.of(new Member(0, "ant", 11), new Member(1, "ant", 12));
    private static final List<Member> BEE = List.of(new Member(0, "bee", 21), new Member(1, "ant", 12));

    @TempDir
    private Path parent;

    private RunFiles files;
    private RunWriter launcher;

    @BeforeEach
    void begin() throws IOException {
        files = new RunFiles(parent.resolve("a"));
        launcher = RunWriter.open(
                files, new RunPlan(null, List.of("train"), Map.of("model", "mlp"), List.of("-", "-"), false), false);
    }

    @AfterEach
    void end() {
        launcher.close();
    }

    private SeatedRunWriter begin(List<Member> members, long step) {
        SeatedRunWriter writer = new SeatedRunWriter(files, Map.of(), false);
        writer.trainingBegan(new World(0, 2), members);
        writer.epochBegan(step, 0);
        return writer;
    }

    /** Measured steps have a line each. */
    private static void steps(SeatedRunWriter writer, long from, long to) {
        for (long step = from; step < to; step++) {
            writer.stepEnded(step, StepSummary.alone(StepReport.of(4, 0.5, false)), 0);
            writer.measured(step + 1, 1, Map.of("exchange_ms", 1.0));
        }
    }

    private List<Long> stepsWithLoss() throws IOException {
        return MetricsFile.lines(files.metrics()).stream()
                .filter(line -> line.values().containsKey("loss"))
                .map(MetricsFile.Line::step)
                .toList();
    }

    @Test
    void repeatedStepsAreInTheCurvesOnceAndAProcessThatWasGivenUpWritesNothingMore() throws IOException {
        SeatedRunWriter lost = begin(ANT, 0);
        steps(lost, 0, 5);

        SeatedRunWriter next = begin(BEE, 4);
        steps(lost, 5, 6);
        lost.trainingEnded();
        steps(next, 4, 7);
        next.trainingEnded();

        assertThat(stepsWithLoss()).containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L);
        assertThat(RunRecord.read(files).hosts()).containsExactly("bee", "ant");
    }

    @Test
    void whatWasMeasuredAfterTheLastStepIsThereOnce() throws IOException {
        SeatedRunWriter lost = begin(ANT, 0);
        steps(lost, 0, 3);

        SeatedRunWriter next = begin(BEE, 3);
        next.measured(3, 1, Map.of("exchange_ms", 2.0));
        next.measured(3, 1, Map.of("accuracy", 0.5));

        assertThat(MetricsFile.lines(files.metrics()))
                .filteredOn(line -> line.step() == 3 && line.values().containsKey("exchange_ms"))
                .hasSize(1);
        assertThat(MetricsFile.lines(files.metrics()))
                .anyMatch(line -> line.values().containsKey("accuracy"));
    }

    @Test
    void theProcessOfRankZeroWritesTheEndAndTheLauncherAFailure() throws IOException {
        SeatedRunWriter writer = begin(ANT, 0);
        steps(writer, 0, 2);
        assertThat(Runs.see(files).state()).isEqualTo(RunState.RUNNING);

        writer.end(RunState.COMPLETE, 0, 2, 8, 0.5, Map.of("accuracy", 0.5));
        // Another takes over before all know that this is done.
        begin(BEE, 2).end(RunState.COMPLETE, 0, 2, 8, 0.5, Map.of("accuracy", 0.5));
        launcher.failUnlessEnded("a process was lost");

        RunRecord record = RunRecord.read(files);
        assertThat(record.state()).isEqualTo(RunState.COMPLETE);
        assertThat(record.result()).containsEntry("accuracy", 0.5);
        assertThat(record.attempts()).singleElement().satisfies(attempt -> {
            assertThat(attempt.steps()).isEqualTo(2);
            assertThat(attempt.joules()).isNull();
        });
        assertThat(files.card()).exists();
    }

    @Test
    void aRunWhoseProcessesFailHasFailed() throws IOException {
        steps(begin(ANT, 0), 0, 2);

        launcher.failUnlessEnded("the run has too few processes");

        assertThat(RunRecord.read(files).state()).isEqualTo(RunState.FAILED);
        assertThat(RunRecord.read(files).failure()).isEqualTo("the run has too few processes");
    }

    @Test
    void aHostThatDoesNotSeeTheDirectoryWritesNothingAndTrains() throws IOException {
        RunFiles elsewhere = new RunFiles(parent.resolve("b"));
        SeatedRunWriter writer = new SeatedRunWriter(elsewhere, Map.of(), false);

        writer.trainingBegan(new World(0, 2), ANT);
        writer.epochBegan(0, 0);
        steps(writer, 0, 2);
        writer.end(RunState.COMPLETE, 0, 2, 8, 0.5, Map.of());
        writer.trainingEnded();

        assertThat(elsewhere.directory()).doesNotExist();
    }

    @Test
    void whatBecomesOfTheProcessesIsALineEach() throws IOException {
        try (MembershipFile file = MembershipFile.open(files)) {
            RunProcess lost = new RunProcess(1, "a", 17);
            file.accept(new SeatEvent(
                    "lost", OptionalInt.empty(), 1, 300, Optional.of(lost), List.of(), "process 1 was lost"));
        }
        try (MembershipFile file = MembershipFile.open(files)) {
            file.accept(new SeatEvent(
                    "generation", OptionalInt.of(3), 2, 300, Optional.empty(), List.of(0, 0, 2), "it continues"));
        }

        assertThat(Files.readAllLines(files.membership()))
                .satisfiesExactly(
                        line -> assertThat(line)
                                .matches("\\{\"at\":\"20.*Z\",\"event\":\"lost\",\"generation\":1,\"step\":300,"
                                        + "\"process\":1,\"host\":\"a\",\"pid\":17,"
                                        + "\"text\":\"process 1 was lost\"}"),
                        line -> assertThat(line)
                                .matches("\\{\"at\":\"20.*Z\",\"event\":\"generation\",\"group\":3,"
                                        + "\"generation\":2,\"step\":300,\"holders\":\\[0,0,2\\],"
                                        + "\"text\":\"it continues\"}"));
    }
}
