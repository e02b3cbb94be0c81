package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.dl4j.SeatedEarlyStopping.Until;
import io.gyre.testkit.RankJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Processes are lost during early stopping: verdict and best model are those of a run without losses. */
@EnabledOnOs(OS.LINUX)
@Tag("processes")
class LostEarlyStoppingTest {

    private static final int SEATS = 4;

    /** Of an epoch. */
    private static final int STEPS = 4;

    private static String worse = "";
    private static String exploded = "";

    @TempDir
    private Path directory;

    @BeforeAll
    static void withoutLosses() throws Exception {
        worse = SeatedEarlyStopping.onThreads(SEATS, Until.WORSE);
        exploded = SeatedEarlyStopping.onThreads(SEATS, Until.EXPLODED);
        assertThat(worse).contains("result EpochTerminationCondition", "ScoreImprovement");
        assertThat(exploded).contains("result IterationTerminationCondition MaxScore");
        assertThat(number("now .* at step ", exploded) % STEPS)
                .as("it ends within an epoch")
                .isPositive();
    }

    private SeatProcesses open(int processes) throws Exception {
        return new SeatProcesses(directory, SeatedEarlyStopping.class, SEATS, processes);
    }

    private static int number(String before, String result) {
        Matcher matcher = Pattern.compile(before + "(\\d+)").matcher(result);
        assertThat(matcher.find()).as(result).isTrue();
        return Integer.parseInt(matcher.group(1));
    }

    private static int bestEpoch() {
        return number("best ", worse);
    }

    private void loseRankZero(Until until, String halt, String expected) throws Exception {
        try (SeatProcesses run = open(3)) {
            Map<String, ?> properties = Map.of("until", until, "halt", halt, "once", directory.resolve("halted"));
            for (int process = 0; process < 3; process++) {
                run.start("shm", properties);
            }
            run.awaitResults(2, expected);
        }
    }

    /** In the first epoch, before there is a best model, and in the middle of the one after the best. */
    @ParameterizedTest(name = "{0}")
    @ValueSource(booleans = {false, true})
    void aLostRankZeroChangesNoVerdictByEpochs(boolean afterTheBest) throws Exception {
        loseRankZero(Until.WORSE, "step:" + (afterTheBest ? (bestEpoch() + 1) * STEPS + 2 : 2), worse);
    }

    /** The others have not heard its verdict on the best epoch, or on the last. */
    @ParameterizedTest(name = "{0}")
    @ValueSource(ints = {0, 3})
    void anEpochIsJudgedAgainIfRankZeroIsLostMeanwhile(int afterTheBest) throws Exception {
        loseRankZero(Until.WORSE, "score:" + (bestEpoch() + afterTheBest), worse);
    }

    /** After the step that has met the condition, and after the one by which all know. */
    @ParameterizedTest(name = "{0} steps before the end")
    @ValueSource(ints = {1, 0})
    void aLostRankZeroChangesNoVerdictByStep(int before) throws Exception {
        loseRankZero(Until.EXPLODED, "step:" + (number("now .* at step ", exploded) - before), exploded);
    }

    /** One process after the other is lost, until none is left that was there in the best epoch. */
    @Test
    void theBestModelOutlivesAllProcessesThatHaveTrainedIt() throws Exception {
        Path gate = directory.resolve("gate");
        int after = (bestEpoch() + 1) * STEPS;
        String wait = (after + 2) + ":" + gate;
        try (SeatProcesses run = open(2)) {
            run.start("shm", Map.of("until", Until.WORSE, "halt", "step:" + (after + 1)));
            run.start("shm", Map.of("until", Until.WORSE, "halt", "shared:" + (after + 2), "gate", wait));
            run.process(0).awaitExit(SeatProcesses.LONG);
            run.process(1).awaitOutput("done step " + (after + 2));
            run.start("shm", Map.of("until", Until.WORSE));
            run.await("joined", 3);
            Files.createFile(gate);

            run.awaitResults(1, worse);
            assertThat(run.events()).anyMatch(event -> event.startsWith("generation 4 of 1"));
        }
    }

    @Test
    void aConditionThatRemembersStepsIsRefused() throws Exception {
        try (SeatProcesses run = open(1)) {
            RankJvm process = run.start("shm", Map.of("until", Until.REMEMBERED));

            assertThat(process.awaitExit(SeatProcesses.LONG)).isNotZero();
            assertThat(process.output())
                    .contains("which may remember steps that a process that comes later has not seen");
        }
    }
}
