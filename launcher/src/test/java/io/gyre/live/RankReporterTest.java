package io.gyre.live;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.launcher.SeatEvent;
import io.gyre.membership.RunProcess;
import io.gyre.network.Activity;
import io.gyre.runs.MembershipFile;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunPlan;
import io.gyre.runs.RunWriter;
import io.gyre.training.StepPhase;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class RankReporterTest {

    private static final Member ANT = new Member(0, "ant", 11);
    private static final Member BEE = new Member(1, "bee", 22);

    @TempDir
    private Path parent;

    private RunFiles files;
    private RunWriter writer;

    @BeforeEach
    void beginARun() throws IOException {
        files = new RunFiles(parent.resolve("a"));
        writer = RunWriter.open(files, new RunPlan(null, List.of(), Map.of(), List.of("ant", "bee"), false), false);
    }

    @AfterEach
    void close() {
        writer.close();
    }

    private static void step(RankReporter reporter, long step) {
        reporter.phaseBegan(step, StepPhase.REDUCE, 0);
        reporter.phaseEnded(step, StepPhase.REDUCE, 0, 2_000_000);
        reporter.stepEnded(step, StepSummary.alone(StepReport.of(1, 0.5, false)), 0);
    }

    private RunView.News look(Clock clock) {
        return new RunView(files, clock).look();
    }

    @Test
    void aRankTellsWhereItIsWhatItWaitedForAndWhatItHasSeen() throws IOException {
        RankReporter reporter = RankReporter.open(files, ANT, 2);
        reporter.epochBegan(0, 0);
        step(reporter, 0);
        step(reporter, 1);
        long now = System.nanoTime();
        reporter.waitEnded(new Activity(), BEE, now, now + 250_000_000);
        reporter.pushed(1, 3);
        reporter.pushed(1, 2);
        reporter.memberEnded(1, BEE);
        reporter.stalled(1, "no step\n  thread main\n    at app.Images.read");
        reporter.close();
        reporter.close();
        RankState state = look(Clock.systemUTC()).ranks().get(0).state();
        assertThat(state.ended()).isTrue();
        assertThat(state.step()).isEqualTo(1);
        assertThat(state.phase()).isEqualTo("reduce");
        assertThat(state.waitedSeconds()).containsOnlyKeys(1);
        assertThat(state.waitedSeconds().get(1)).isEqualTo(0.25);
        assertThat(state.news()).singleElement().asString().contains("bee", "ended");
        RankHistory.Column all =
                state.history().stream().reduce(RankHistory.Column::and).orElseThrow();
        assertThat(all.steps()).isEqualTo(2);
        assertThat(all.exposedMs()).isEqualTo(2);
        assertThat(all.awaited()).isEqualTo(1);
        assertThat(all.staleness()).isEqualTo(3);
        assertThat(Objects.requireNonNull(state.stall()).report()).contains("app.Images.read");
    }

    @Test
    void whatEndedAGenerationIsNoFailureOnceTheNextBegins() throws IOException {
        RankReporter reporter = RankReporter.open(files, ANT, 2);
        reporter.trainingFailed(3, new IllegalStateException("rank 1 was lost"));
        reporter.trainingBegan(new World(0, 2), List.of(ANT, BEE));
        reporter.close();
        assertThat(look(Clock.systemUTC()).ranks().get(0).state().failure()).isNull();
    }

    @Test
    void aDirectoryThatVanishesEndsTheReportsAndNothingElse() throws IOException {
        RankReporter reporter = RankReporter.open(files, ANT, 2);
        Files.deleteIfExists(files.rank(0));
        Files.delete(files.ranks());
        reporter.epochBegan(0, 0);
        step(reporter, 0);
        reporter.close();
        assertThat(files.rank(0)).doesNotExist();
    }

    @Test
    void aRankThatNoLongerWritesIsSilent() throws IOException {
        RankReporter reporter = RankReporter.open(files, BEE, 2);
        reporter.epochBegan(7, 0);
        reporter.close();
        String ended = Files.readString(files.rank(1));
        Files.writeString(files.rank(1), ended.replace("\"ended\":true", "\"ended\":false"));
        RunView.News news = look(Clock.offset(Clock.systemUTC(), Duration.ofHours(1)));
        assertThat(news.ranks().get(0).silentSeconds()).isGreaterThanOrEqualTo(3_600);
        TopScreen screen = new TopScreen();
        screen.add(news);
        assertThat(screen.lines(TerminalSize.NONE)).anyMatch(line -> line.contains("bee") && line.contains("silent"));
        assertThat(screen.lines(new TerminalSize(3, 20))).hasSizeLessThan(3).allMatch(line -> line.length() <= 20);
    }

    @Test
    void aLongTrainingHasABoundedHistoryThatLosesNoStep() {
        RankHistory history = new RankHistory();
        for (int i = 0; i < 10_000; i++) {
            history.add(new RankHistory.Column(1, 2, i < 5_000 ? 1 : 0, i < 5_000 ? 1 : -1, 4, 6, -1));
        }
        List<RankHistory.Column> columns = history.columns();
        assertThat(columns).hasSizeBetween(RankHistory.MOST / 2, RankHistory.MOST);
        assertThat(columns.stream().mapToLong(RankHistory.Column::steps).sum()).isEqualTo(20_000);
        assertThat(columns.stream().mapToDouble(RankHistory.Column::seconds).sum())
                .isEqualTo(10_000);
        assertThat(columns.get(0).waited()).isEqualTo(1);
        assertThat(columns.get(columns.size() - 1).waited()).isZero();
        assertThat(columns).allMatch(column -> column.exposedMs() == 4 && column.hiddenMs() == 6);
    }

    @Test
    void aLogCannotCommandTheTerminal() throws IOException {
        Files.writeString(files.log(), "a\033[2Jb\n");
        TopScreen screen = new TopScreen();
        screen.add(look(Clock.systemUTC()));
        assertThat(screen.lines(TerminalSize.NONE)).contains("a?[2Jb");
    }

    @Test
    void whatBecameOfTheProcessesIsShownAndAHalfLineIsNot() throws IOException {
        try (MembershipFile file = MembershipFile.open(files)) {
            file.accept(new SeatEvent(
                    "lost",
                    OptionalInt.empty(),
                    1,
                    300,
                    Optional.of(new RunProcess(1, "a", 17)),
                    List.of(),
                    "process 1 was lost with seat 1"));
        }
        Files.writeString(files.membership(), "{\"at\":\"20\n", StandardOpenOption.APPEND);
        TopScreen screen = new TopScreen();

        RunView.News news = look(Clock.systemUTC());
        screen.add(news);

        assertThat(news.membership()).singleElement().asString().endsWith("Z process 1 was lost with seat 1");
        assertThat(screen.lines(TerminalSize.NONE)).anyMatch(line -> line.contains("was lost with seat 1"));
        assertThat(RunView.json(news)).contains("\"membership\":[\"20");
    }

    @Test
    void aCurveIsDrawnBetweenItsLeastAndGreatestValue() {
        assertThat(Sparkline.of(List.of(1.0, 8.0), 9)).isEqualTo("▁█");
        assertThat(Sparkline.of(List.of(0.0, 0.0, 7.0, 7.0), 2)).isEqualTo("▁█");
        assertThat(Sparkline.of(List.of(), 9)).isEmpty();
    }
}
