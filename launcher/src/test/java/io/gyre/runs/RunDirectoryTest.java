package io.gyre.runs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.launcher.LaunchResult;
import io.gyre.local.LocalCluster;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDirectoryTest {

    private static final Map<String, String> NO_LAUNCHER = Map.of();
    private static final RunDirectory.RootCall HERE = (topic, work) -> work.run();

    private static final StepSummary STEP =
            new StepSummary(List.of(StepReport.of(8, 0.25, false), StepReport.of(8, 0.75, false)));

    @TempDir
    private Path parent;

    private RunFiles files;

    @BeforeEach
    void name() {
        files = new RunFiles(parent.resolve("mine"));
    }

    private RunDirectory create() {
        return RunDirectory.create(files.directory(), Map.of("data", "digits"), NO_LAUNCHER);
    }

    /** What a trainer tells of two epochs of two steps. */
    private static void train(RunDirectory run) {
        run.trainingBegan(new World(0, 2), List.of(new Member(0, "here", 1), new Member(1, "there", 2)));
        for (int epoch = 0; epoch < 2; epoch++) {
            run.epochBegan(2L * epoch, epoch);
            run.stepEnded(2L * epoch, STEP, 0);
            run.stepEnded(2L * epoch + 1, STEP, 0);
        }
        run.stepsEnded(0);
    }

    @Test
    void aProgramThatCompletesLeavesItsRecordCurvesAndCard() throws IOException {
        RunDirectory run = create();
        try (run) {
            train(run);
            run.complete(HERE, Map.of("accuracy", 0.75));
        }
        run.close();

        RunRecord record = RunRecord.read(files);
        assertThat(record.state()).isEqualTo(RunState.COMPLETE);
        assertThat(record.hosts()).containsExactly("here", "there");
        assertThat(record.setup()).containsEntry("data", "digits");
        assertThat(record.result())
                .containsEntry("accuracy", 0.75)
                .containsEntry("step", 4)
                .containsEntry("epoch", 2);
        assertThat(record.lastAttempt().examples()).isEqualTo(64);
        assertThat(files.card()).content().contains("| Accuracy, held out | 0.7500 |", "By its own program");
        assertThat(Runs.see(files).metrics()).containsEntry("loss", 0.5);
    }

    @Test
    void aProgramThatDoesNotCompleteHasFailed() {
        try (RunDirectory run = create()) {
            train(run);
        }

        assertThat(RunRecord.read(files).state()).isEqualTo(RunState.FAILED);
        assertThat(RunRecord.read(files).failure()).isEqualTo("the program ended before it had called complete");
    }

    @Test
    void aTrainingThatFailsSaysWhy() {
        try (RunDirectory run = create()) {
            train(run);
            run.trainingFailed(4, new IllegalStateException("no data"));
        }

        assertThat(RunRecord.read(files).failure()).isEqualTo("java.lang.IllegalStateException: no data");
    }

    @Test
    void onlyRankZeroOfALauncherWrites() {
        try (RunDirectory run = RunDirectory.create(files.directory(), Map.of(), rankOfTwo(1))) {
            train(run);
            run.complete(HERE, Map.of());
            assertThat(run.model()).isEqualTo(files.model());
        }
        assertThat(files.directory()).doesNotExist();

        RunDirectory.create(files.directory(), Map.of(), rankOfTwo(0)).close();
        assertThat(files.record()).exists();
    }

    private static Map<String, String> rankOfTwo(int rank) {
        return Map.of("GYRE_RANK", String.valueOf(rank), "GYRE_WORLD_SIZE", "2", "GYRE_RENDEZVOUS", "127.0.0.1:29500");
    }

    @Test
    void onlyRankZeroOfALocalClusterWrites() throws Exception {
        List<Boolean> wrote = LocalCluster.over(LocalCluster.Network.inProcess(), 2)
                .withPeerTimeout(Duration.ofSeconds(60))
                .call(session -> {
                    Path own = parent.resolve("rank-" + session.world().rank());
                    RunDirectory.create(own, Map.of(), NO_LAUNCHER).close();
                    return Files.exists(own);
                });

        assertThat(wrote).containsExactly(true, false);
    }

    @Test
    void aDirectoryThatHoldsARunIsRefusedAndLeftAsItIs() throws IOException {
        try (RunDirectory run = create()) {
            train(run);
            run.complete(HERE, Map.of());
        }
        String record = Files.readString(files.record());

        assertThatThrownBy(this::create)
                .isInstanceOf(BadRunException.class)
                .hasMessageContaining("holds a run already (complete)");
        assertThat(files.record()).hasContent(record);
    }

    @Test
    void aDirectoryThatCannotBeWrittenIsNamed() throws IOException {
        Path file = Files.createFile(parent.resolve("file"));

        assertThatThrownBy(() -> RunDirectory.create(file.resolve("mine"), Map.of(), NO_LAUNCHER))
                .isInstanceOf(BadRunException.class)
                .hasMessageStartingWith("the run directory " + file.resolve("mine") + " cannot be written: ");
    }

    private RunDirectory ofSeats(Path kept) {
        Map<String, String> environment =
                Map.of("GYRE_SEATS", "2", "GYRE_RUN_DIR", kept.toAbsolutePath().toString());
        return RunDirectory.create(files.directory(), Map.of("data", "digits"), environment);
    }

    /** Each process has its own; the launcher stays. */
    @Test
    void aRunWithSeatsGoesOnWhenRankZeroMoves() throws IOException {
        try (SeatedRunKeeper launcher = new SeatedRunKeeper(
                RunWriter.open(files, new RunPlan(null, List.of(), Map.of(), List.of("-", "-"), false), false))) {
            RunDirectory lost = ofSeats(files.directory());
            lost.trainingBegan(new World(0, 2), List.of(new Member(0, "here", 1), new Member(1, "there", 2)));
            lost.epochBegan(0, 0);
            lost.stepEnded(0, STEP, 0);
            try (RunDirectory next = ofSeats(files.directory())) {
                next.trainingBegan(new World(0, 2), List.of(new Member(0, "there", 2), new Member(1, "there", 2)));
                next.epochBegan(1, 0);
                next.stepEnded(1, STEP, 0);
                next.stepEnded(2, STEP, 0);
                lost.stepEnded(1, STEP, 0);
                lost.close();
                assertThat(RunRecord.read(files).state()).isEqualTo(RunState.RUNNING);
                next.complete(HERE, Map.of("accuracy", 0.75));
            }
            launcher.end(new LaunchResult(0, 0, Optional.empty(), false));
        }

        RunRecord record = RunRecord.read(files);
        assertThat(record.state()).isEqualTo(RunState.COMPLETE);
        assertThat(record.hosts()).containsExactly("there", "there");
        assertThat(record.setup()).containsEntry("data", "digits");
        assertThat(record.result()).containsEntry("accuracy", 0.75).containsEntry("step", 3);
        assertThat(record.lastAttempt().steps()).isEqualTo(3);
        assertThat(MetricsFile.lines(files.metrics()))
                .extracting(MetricsFile.Line::step)
                .doesNotHaveDuplicates()
                .endsWith(3L);
        assertThat(files.card()).content().doesNotContain("Examples");
    }

    @Test
    void aProgramWithSeatsThatDoesNotCompleteHasFailed() throws IOException {
        try (SeatedRunKeeper launcher = new SeatedRunKeeper(
                RunWriter.open(files, new RunPlan(null, List.of(), Map.of(), List.of("-"), false), false))) {
            ofSeats(files.directory()).close();
            launcher.end(new LaunchResult(0, 0, Optional.empty(), false));
        }

        assertThat(RunRecord.read(files).failure()).isEqualTo("the program ended before it had called complete");
    }

    @Test
    void aRunWithSeatsNeedsALauncherThatKeepsTheSameDirectory() {
        assertThatThrownBy(() -> RunDirectory.create(files.directory(), Map.of(), Map.of("GYRE_SEATS", "2")))
                .isInstanceOf(BadRunException.class)
                .hasMessageContaining("start the program by gyre run --run-dir " + files.directory());
        assertThatThrownBy(() -> ofSeats(parent.resolve("other")))
                .isInstanceOf(BadRunException.class)
                .hasMessageContaining("its launcher keeps " + parent.resolve("other"));
    }

    @Test
    void completeWithoutATrainerIsAMistakeOfTheProgram() {
        try (RunDirectory run = create()) {
            assertThatThrownBy(() -> run.complete(HERE, Map.of()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("TrainerBuilder.rootObserver");
        }
    }
}
