package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunRecord;
import io.gyre.runs.RunState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hybrid trainings of which each group goes on when it loses a process. */
@EnabledOnOs(OS.LINUX)
@Tag("processes")
@Timeout(600)
class SeatedGroupsTrainTest {

    private static final int STEPS = 700;
    private static final int EPOCHS = 30;

    /** Of 8,000 examples a group has 4,000, in batches of 2 times 32. */
    private static final int STEPS_OF_EPOCH = 63;

    private static final Pattern END =
            Pattern.compile("Group (\\d) has ended after (\\d+) steps, with parameters ([0-9a-f]{64})");

    @TempDir
    private Path directory;

    private RunFiles files() {
        return new RunFiles(directory.resolve("a"));
    }

    private String[] run(String... more) {
        Stream<String> first = Stream.of(
                "mlp",
                "-n",
                "4",
                "--strategy",
                "hybrid",
                "--groups",
                "2",
                "--run-dir",
                files().directory().toString());
        return Stream.concat(first, Stream.of(more)).toArray(String[]::new);
    }

    /** The process that holds a seat of a group in its first generation. */
    private long pid(int group, int seat) {
        String membership = membership();
        String held = "process (\\d+): seats? (?:\\d+(?:, | and ))*" + seat + "\\b";
        String process = find("group " + group + ": generation 1 begins; [^\"]*" + held, membership);
        return Long.parseLong(find(
                "group " + group + ": process " + process + " \\(host [^,]*, pid (\\d+)\\) has joined", membership));
    }

    private String membership() {
        try {
            return Files.readString(files().membership());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String find(String regex, String text) {
        Matcher found = Pattern.compile(regex).matcher(text);
        assertThat(found.find()).as(regex + " in " + text).isTrue();
        return found.group(1);
    }

    /** Waits until both groups train. */
    private static void awaitSteps(GyreTrain train) {
        train.awaitOutput("(?s)step [\\d,]+ of");
        train.awaitOutput("This process leads group 0");
        train.awaitOutput("This process leads group 1");
    }

    /** Both have ended after all steps, with the same parameters, which are those of the report. */
    private static JsonNode assertBothEnded(GyreTrain train, int steps) throws Exception {
        assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();
        List<String[]> ends = END.matcher(train.output())
                .results()
                .map(end -> new String[] {end.group(1), end.group(2), end.group(3)})
                .toList();
        JsonNode report = train.report();
        assertThat(ends).extracting(end -> end[0]).containsExactlyInAnyOrder("0", "1");
        assertThat(ends).extracting(end -> end[1]).containsOnly(String.valueOf(steps));
        assertThat(ends)
                .extracting(end -> end[2])
                .containsOnly(report.get("parameters_sha256").get(0).asText());
        assertThat(report.get("ranks").asInt()).isEqualTo(4);
        assertThat(report.get("lost_ranks")).isEmpty();
        assertThat(report.get("accuracy").asDouble()).isGreaterThan(0.9);
        return report;
    }

    @Test
    void groupsGoOnWhenTheyLoseALeadOrAnotherProcess() throws Exception {
        String[] arguments = run("--servers", "1", "--restarts", "1", "--steps", String.valueOf(STEPS));
        try (GyreTrain train = GyreTrain.start(directory, arguments)) {
            awaitSteps(train);
            List<Long> pids = train.pids();
            GyreTrain.kill(pid(0, 1));
            train.awaitOutput("group 0: generation 2 continues after step");
            GyreTrain.kill(pid(1, 0));
            train.awaitOutput("group 1: generation 2 continues after step");
            train.awaitOutput("group 1 has another lead");

            JsonNode report = assertBothEnded(train, STEPS);
            // One step at most is repeated, and counts in the generation that has completed it.
            assertThat(report.get("steps").asInt()).isBetween(STEPS - 1, STEPS);
            assertThat(report.get("resumed_from_step").asInt()).isZero();
            assertThat(train.output())
                    .contains("a lost server ends it: add --backups 1")
                    .contains("is restarted: 1 of 1 time", "the lead of group 1 ")
                    .doesNotContain("goes back to its newest checkpoint", "counts as lost");
            train.awaitNothingLeft(pids);
        }
        assertThat(RunRecord.read(files()).state()).isEqualTo(RunState.COMPLETE);
        assertThat(files().checkpoints()).doesNotExist();
        assertThat(membership()).contains("group 0: process").contains("group 1: generation 2 continues");
    }

    @ParameterizedTest(name = "{0}")
    @Tag("long")
    @ValueSource(strings = {"elastic", "paramserver"})
    void aGroupGoesOnFromTheCopyOfItsLastProcess(String between) throws Exception {
        String[] arguments =
                run("--servers", "1", "--between", between, "--restarts", "1", "--steps", String.valueOf(STEPS));
        try (GyreTrain train = GyreTrain.start(directory, arguments)) {
            awaitSteps(train);
            GyreTrain.kill(pid(1, 0));
            train.awaitOutput("group 1: generation 2 continues after step");
            long last = pid(1, 1);
            SeatedTrainTest.awaitCopy(SeatedTrainTest.stateDirectory(last));
            GyreTrain.kill(last);
            train.awaitOutput("Goes on from the copy of the last process");

            assertBothEnded(train, STEPS);
        }
    }

    /** One process holds all ranks of a group, and is lost: those who come begin again with the servers' parameters. */
    @ParameterizedTest(name = "{0}")
    @Tag("long")
    @ValueSource(strings = {"elastic", "paramserver"})
    void aGroupThatIsLostAsAWholeBeginsAgain(String between) throws Exception {
        String[] arguments = run(
                "--servers",
                "1",
                "--between",
                between,
                "--processes",
                "1",
                "--restarts",
                "1",
                "--steps",
                String.valueOf(STEPS));
        try (GyreTrain train = GyreTrain.start(directory, arguments)) {
            awaitSteps(train);
            GyreTrain.kill(pid(1, 0));
            train.awaitOutput("group 1 has another lead");

            assertBothEnded(train, STEPS);
        }
    }

    @ParameterizedTest(name = "evaluate after epochs {0}")
    @Tag("long")
    @ValueSource(booleans = {false, true})
    void withParametersOnServersGroupsGoOnToo(boolean evaluates) throws Exception {
        String[] arguments = run(
                "--between",
                "paramserver",
                "--servers",
                "2",
                "--backups",
                "1",
                "--restarts",
                "2",
                "--epochs",
                String.valueOf(EPOCHS),
                evaluates ? "--evaluate-epochs" : "--tensorboard");
        try (GyreTrain train = GyreTrain.start(directory, arguments)) {
            awaitSteps(train);
            GyreTrain.kill(pid(0, 0));
            train.awaitOutput("group 0 has another lead");
            // The first server is rank 2 of the groups and servers.
            GyreTrain.kill(train.pid(2));
            train.awaitOutput("server 4 \\(.*\\) has rejoined the run");
            GyreTrain.kill(pid(1, 1));
            train.awaitOutput("group 1: generation 2 continues after step");

            JsonNode report = assertBothEnded(train, EPOCHS * STEPS_OF_EPOCH);
            assertThat(report.get("lost_servers").toString()).isEqualTo("[4]");
            assertThat(report.get("max_staleness").asInt()).isNotNegative();
        }
    }

    @Test
    @Tag("long")
    void withoutRestartsTheOtherGroupsGoOnWithoutALostOne() throws Exception {
        String[] arguments =
                run("--servers", "1", "--processes", "1", "--lost-after", "3", "--steps", String.valueOf(STEPS));
        try (GyreTrain train = GyreTrain.start(directory, arguments)) {
            awaitSteps(train);
            GyreTrain.kill(pid(0, 0));

            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();
            assertThat(train.output()).contains("Group 0 has had no lead for", "2 of 4 ranks were lost: 0, 1");
            assertThat(train.report().get("lost_ranks").toString()).isEqualTo("[0,1]");
        }
    }

    @Test
    @Tag("long")
    void aFrozenLeadIsReplacedAndComesAgain() throws Exception {
        String[] arguments = run("--servers", "1", "--spares", "0", "--steps", "6000");
        try (GyreTrain train = GyreTrain.start(directory, arguments)) {
            awaitSteps(train);
            long frozen = pid(1, 0);
            GyreTrain.signal("STOP", frozen);
            train.awaitOutput("group 1 has another lead");
            GyreTrain.signal("CONT", frozen);
            train.awaitOutput("group 1: generation 3 continues after step");

            assertBothEnded(train, 6000);
        }
    }
}
