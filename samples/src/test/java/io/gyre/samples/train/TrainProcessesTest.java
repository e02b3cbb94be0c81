package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.gyre.dl4j.DistributedTrainer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code gyre train} from end to end: a process that starts ranks, which are processes. */
@EnabledOnOs(OS.LINUX)
@Tag("processes")
class TrainProcessesTest {

    @TempDir
    Path directory;

    @Test
    void anMlpOnTwoRanksLearnsToReadDrawnDigits() throws Exception {
        JsonNode report = GyreTrain.run(directory, "mlp", "-n", "2", "--epochs", "2");

        assertThat(report.get("accuracy").asDouble()).isGreaterThan(0.95);
        assertThat(report.get("transport").asText()).isEqualTo("shm");
        assertThat(report.get("parameters_sha256")).hasSize(2);
        assertThat(report.get("parameters_sha256").get(1))
                .isEqualTo(report.get("parameters_sha256").get(0));
    }

    @Test
    void whereSomebodyElseStartsTheRanksEachCommandIsOne() throws Exception {
        String[] arguments = {"mlp", "-n", "2", "--steps", "5", "--transport", "udp"};
        try (GyreTrain first = GyreTrain.startRank(0, directory, arguments);
                GyreTrain second = GyreTrain.startRank(1, directory, arguments)) {
            assertThat(first.awaitExit(GyreTrain.PATIENCE)).as(first.output()).isZero();
            assertThat(second.awaitExit(GyreTrain.PATIENCE)).as(second.output()).isZero();

            assertThat(first.report().get("transport").asText()).isEqualTo("udp");
            assertThat(first.report().get("parameters_sha256")).hasSize(2);
            assertThat(second.output()).doesNotContain("trained mlp");
            // What is the same on all ranks is logged by the first one.
            assertThat(first.output())
                    .containsOnlyOnce("collectives by messages on a ring")
                    .containsOnlyOnce("Gradients are exchanged");
            assertThat(second.output()).doesNotContain("INFO");
        }
    }

    /** The variables of rank 0; those of rank 1 differ in the first. */
    static Stream<Arguments> otherLaunchers() {
        String job = String.valueOf(ProcessHandle.current().pid());
        return Stream.of(
                Arguments.of(
                        "SLURM",
                        "SLURM_PROCID",
                        Map.of(
                                "SLURM_STEP_ID", "0",
                                "SLURM_JOB_ID", job,
                                "SLURM_STEP_NUM_TASKS", "2",
                                "SLURM_NODEID", "0",
                                "SLURM_STEP_TASKS_PER_NODE", "2")),
                Arguments.of(
                        "torchrun",
                        "RANK",
                        Map.of(
                                "TORCHELASTIC_RUN_ID", job,
                                "WORLD_SIZE", "2",
                                "LOCAL_WORLD_SIZE", "2",
                                "MASTER_ADDR", "localhost",
                                "MASTER_PORT", "29500")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("otherLaunchers")
    void anotherLaunchersProcessesAreTheRanksOfOneTraining(String launcher, String rank, Map<String, String> variables)
            throws Exception {
        Map<String, String> first = new HashMap<>(variables);
        Map<String, String> second = new HashMap<>(variables);
        first.put(rank, "0");
        second.put(rank, "1");
        String[] arguments = {"mlp", "--steps", "5"};
        try (GyreTrain zero = GyreTrain.startAs(first, directory, arguments);
                GyreTrain one = GyreTrain.startAs(second, directory, arguments)) {
            assertThat(zero.awaitExit(GyreTrain.PATIENCE)).as(zero.output()).isZero();
            assertThat(one.awaitExit(GyreTrain.PATIENCE)).as(one.output()).isZero();

            assertThat(zero.output())
                    .containsOnlyOnce(
                            "gyre: rank 0 of 2, started by " + launcher + " (" + rank + "); the ranks meet at ")
                    .contains("in shared memory, as all are on this host");
            assertThat(one.output()).doesNotContain("started by").doesNotContain("trained mlp");
            assertThat(zero.report().get("parameters_sha256")).hasSize(2);
            assertThat(zero.report().get("parameters_sha256").get(1))
                    .isEqualTo(zero.report().get("parameters_sha256").get(0));
        }
    }

    @Test
    void halfOfALaunchersVariablesIsNoReasonToTrainAlone() throws Exception {
        try (GyreTrain train = GyreTrain.startAs(Map.of("PMI_RANK", "1"), directory, "mlp")) {
            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isEqualTo(2);

            assertThat(train.output()).contains("gyre train: PMI_RANK=1 is set, but not PMI_SIZE");
        }
    }

    @Test
    void aRankThatWasNotLaunchedCannotChooseTheBackend() throws Exception {
        try (GyreTrain rank = GyreTrain.startRank(0, directory, "mlp", "--backend", "cpu")) {
            assertThat(rank.awaitExit(GyreTrain.PATIENCE)).as(rank.output()).isEqualTo(2);

            assertThat(rank.output()).contains("--backend cpu", "BACKEND_PRIORITY_CPU=100");
        }
    }

    @Test
    void aRankThatIsKilledWhileItTrainsIsNamedAndNothingIsLeft() throws Exception {
        try (GyreTrain train = GyreTrain.start(directory, "mlp", "-n", "2", "--epochs", "1000")) {
            train.awaitOutput("step \\d+ of");

            killAndExpectItsName(train, 1);
        }
    }

    @Test
    void aRunThatIsToldToEndLosesNothingAndSaysHowToResume() throws Exception {
        endAndResume("TERM", 143);
    }

    @Test
    @Tag("long")
    void aRunThatIsInterruptedLosesNothingAndSaysHowToResume() throws Exception {
        endAndResume("INT", 130);
    }

    private void endAndResume(String signal, int status) throws Exception {
        Path checkpoints = directory.resolve("checkpoints");
        String[] whole = {"mlp", "-n", "2", "--steps", "1500", "--checkpoint", checkpoints.toString(), "--resume"};
        try (GyreTrain train = GyreTrain.start(directory, whole)) {
            train.awaitOutput("step \\d+ of");
            List<Long> pids = train.pids();
            train.signal(signal);

            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isEqualTo(status);
            assertThat(train.output())
                    .contains("resume with: gyre train " + String.join(" ", whole))
                    .doesNotContain("\tat ")
                    .doesNotContain("gyre: rank");
            long step = train.report().get("stopped").get("step").asLong();
            assertThat(DistributedTrainer.newestCheckpoint(checkpoints)).hasValue(step);
            train.awaitNothingLeft(pids);
        }

        JsonNode resumed = GyreTrain.run(directory, whole);

        assertThat(resumed.get("resumed_from_step").asInt()).isPositive();
        assertThat(resumed.get("stopped").isNull()).isTrue();
        JsonNode uninterrupted = GyreTrain.run(directory, "mlp", "-n", "2", "--steps", "1500");
        assertThat(resumed.get("parameters_sha256")).isEqualTo(uninterrupted.get("parameters_sha256"));
    }

    @Test
    void groupsWithServersEndInOrderToo() throws Exception {
        endInOrder("hybrid");
    }

    @ParameterizedTest(name = "{0}")
    @Tag("long")
    @ValueSource(strings = {"paramserver", "elastic"})
    void strategiesWithServersEndInOrderToo(String strategy) throws Exception {
        endInOrder(strategy);
    }

    private void endInOrder(String strategy) throws Exception {
        String[] arguments = {"mlp", "-n", "2", "--strategy", strategy, "--servers", "1", "--epochs", "1000"};
        String[] groups = strategy.equals("hybrid") ? new String[] {"--groups", "2"} : new String[0];
        try (GyreTrain train = GyreTrain.start(directory, with(arguments, groups))) {
            train.awaitOutput("step [\\d,]+ of");
            List<Long> pids = train.pids();
            train.signal("TERM");

            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isEqualTo(143);
            assertThat(train.output())
                    .containsPattern("stopped after step [\\d,]+ of epoch \\d+; resume with: .* runs resume ")
                    .doesNotContain("\tat ")
                    .doesNotContain("gyre: rank");
            train.awaitNothingLeft(pids);
        }
    }

    @Test
    void withParametersOnAServerTheOthersGoOnWhenAWorkerIsKilled() throws Exception {
        String[] arguments = {"mlp", "-n", "2", "--strategy", "paramserver", "--servers", "1", "--epochs", "3"};
        try (GyreTrain train = GyreTrain.start(directory, arguments)) {
            train.awaitOutput("step \\d+ of");
            GyreTrain.kill(train.pid(1));

            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();
            assertThat(train.output())
                    .containsPattern("rank 1 .* was lost; the run continues without it")
                    .contains("1 of 2 ranks were lost: ");
        }
    }

    @ParameterizedTest(name = "{0}")
    @Tag("long")
    @CsvSource({"paramserver", "elastic", "hybrid"})
    void aLostServerTakesTheRunBackToItsNewestCheckpoint(String strategy) throws Exception {
        String[] arguments = {"mlp", "-n", "2", "--strategy", strategy, "--servers", "1", "--restarts", "1"};
        String[] groups = strategy.equals("hybrid") ? new String[] {"--groups", "2"} : new String[0];
        String[] all = with(with(arguments, groups), "--epochs", "4", "--checkpoint", checkpoints());
        try (GyreTrain train = GyreTrain.start(directory, all)) {
            train.awaitOutput("epoch 2");
            List<Long> pids = train.pids();
            GyreTrain.kill(train.pid(2));

            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();
            assertThat(train.output())
                    .containsPattern("gyre: rank 2 \\(host .*\\) ended with exit status 137 \\(killed\\)")
                    .contains("gyre: the whole run goes back to its newest checkpoint, of step ")
                    .contains("(1 of 1 time)");
            JsonNode report = train.report();
            assertThat(report.get("resumed_from_step").asInt()).isPositive();
            assertThat(report.get("lost_ranks")).isEmpty();
            assertThat(report.get("parameters_sha256")).hasSize(2);
            train.awaitNothingLeft(pids);
        }
    }

    /** In the middle of a period, in which every rank has a replica of its own. */
    @Test
    void aRunOfLocalStepsGoesBackToItsNewestCheckpointAndEndsWithTheSameParameters() throws Exception {
        String[] all = {
            "mlp", "-n", "2", "--strategy", "diloco", "--period", "7", "--epochs", "4", "--checkpoint-steps", "10"
        };
        JsonNode undisturbed = GyreTrain.run(directory, all);

        try (GyreTrain train = GyreTrain.start(directory, with(all, "--restarts", "1"))) {
            train.awaitOutput("epoch 2");
            List<Long> pids = train.pids();
            GyreTrain.kill(train.pid(1));

            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();
            assertThat(train.output())
                    .containsPattern("gyre: rank 1 \\(host .*\\) ended with exit status 137 \\(killed\\)")
                    .contains("gyre: the whole run goes back to its newest checkpoint, of step ")
                    .doesNotContain("and is restarted");
            JsonNode report = train.report();
            assertThat(report.get("resumed_from_step").asInt()).isPositive();
            assertThat(report.get("parameters_sha256")).isEqualTo(undisturbed.get("parameters_sha256"));
            train.awaitNothingLeft(pids);
        }
    }

    /** Also where servers are restarted by themselves. */
    @ParameterizedTest(name = "{0} servers with {1} backups")
    @Tag("long")
    @CsvSource({"1, 0", "2, 1"})
    void aLostRankOfAGroupTakesTheRunBackToItsNewestCheckpoint(String servers, String backups) throws Exception {
        String[] ranks = {"mlp", "-n", "4", "--strategy", "hybrid", "--groups", "2"};
        String[] arguments = with(ranks, "--servers", servers, "--backups", backups);
        String[] all = with(arguments, "--restarts", "1", "--epochs", "8", "--checkpoint", checkpoints());
        try (GyreTrain train = GyreTrain.start(directory, all)) {
            train.awaitOutput("epoch [2-7]");
            List<Long> pids = train.pids();
            GyreTrain.kill(train.pid(1));

            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();
            assertThat(train.output())
                    .containsPattern("gyre: rank 1 \\(host .*\\) ended with exit status 137 \\(killed\\)")
                    .contains("gyre: the whole run goes back to its newest checkpoint, of step ")
                    .doesNotContain("the run continues without it")
                    .doesNotContain("and is restarted");
            JsonNode report = train.report();
            assertThat(report.get("resumed_from_step").asInt()).isPositive();
            assertThat(report.get("lost_ranks")).isEmpty();
            assertThat(report.get("parameters_sha256")).hasSize(4);
            train.awaitNothingLeft(pids);
        }
    }

    @Test
    void withRestartsAWorkerThatIsKilledComesBackIntoTheRun() throws Exception {
        killAndExpectItBack("paramserver", 1);
    }

    @Test
    @Tag("long")
    void withRestartsTheRootOfElasticAveragingComesBackIntoTheRun() throws Exception {
        killAndExpectItBack("elastic", 0);
    }

    private void killAndExpectItBack(String strategy, int rank) throws Exception {
        String[] arguments = {"mlp", "-n", "2", "--strategy", strategy, "--servers", "1", "--restarts", "1"};
        try (GyreTrain train = GyreTrain.start(directory, with(arguments, "--epochs", "4"))) {
            train.awaitOutput("step \\d+ of");
            List<Long> pids = train.pids();
            GyreTrain.kill(train.pid(rank));

            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();
            assertThat(train.output())
                    .containsPattern(
                            "gyre: rank " + rank + " \\(host .*\\) ended with exit status 137 \\(killed\\) and is"
                                    + " restarted: 1 of 1 time")
                    .containsPattern("gyre: rank " + rank + " \\(.*\\) has rejoined the run")
                    .contains("1 of 2 ranks were lost and restarted: " + rank)
                    .contains("gyre: ranks were restarted 1 time");
            JsonNode report = train.report();
            assertThat(report.get("returned_ranks").toString()).isEqualTo("[" + rank + "]");
            assertThat(report.get("lost_ranks")).isEmpty();
            assertThat(report.get("epochs").asInt()).isEqualTo(4);
            // All except what the first process had trained on or drawn.
            assertThat(report.get("examples").asInt()).isBetween(9 * 4 * 800, 10 * 4 * 800);
            assertThat(report.get("parameters_sha256")).hasSize(2);
            assertThat(report.get("max_staleness").asInt()).isBetween(0, 3);
            assertThat(report.get("accuracy").asDouble()).isGreaterThan(0.9);
            train.awaitNothingLeft(pids);
        }
    }

    @Test
    void withBackupsAServerThatIsKilledCostsNothingAndComesBack() throws Exception {
        String[] arguments = {
            "mlp", "-n", "2", "--strategy", "paramserver", "--servers", "2", "--backups", "1", "--restarts", "1"
        };
        try (GyreTrain train = GyreTrain.start(directory, with(arguments, "--epochs", "4"))) {
            train.awaitOutput("step \\d+ of");
            List<Long> pids = train.pids();
            GyreTrain.kill(train.pid(2));

            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();
            assertThat(train.output())
                    .containsPattern("gyre: rank 2 \\(.*\\) was lost; the run continues without it")
                    .containsPattern("this rank answers for shard 0, from its backup, since rank 2 has ended")
                    .contains("servers were lost, and their backups took over: rank 2");
            JsonNode report = train.report();
            assertThat(report.get("lost_servers").toString()).isEqualTo("[2]");
            assertThat(report.get("lost_ranks")).isEmpty();
            assertThat(report.get("returned_ranks")).isEmpty();
            assertThat(report.get("examples").asInt()).isEqualTo(10 * 4 * 800);
            assertThat(report.get("accuracy").asDouble()).isGreaterThan(0.9);
            train.awaitNothingLeft(pids);
        }
    }

    /** The second server is killed when the first has come back, and alone has a copy of the second one's state. */
    @Test
    @Tag("long")
    void ofGroupsServersThatAreKilledComeBackOneAfterTheOther() throws Exception {
        try (GyreTrain train = GyreTrain.start(directory, hybridWithBackups("elastic", "--epochs", "30"))) {
            train.awaitOutput("step \\d+ of");
            List<Long> pids = train.pids();
            killServersInTurn(train);

            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();
            assertThat(train.output())
                    .contains("servers were lost, and their backups took over: ranks 4, 5")
                    .contains("gyre: ranks were restarted 2 times")
                    .doesNotContain("goes back to its newest checkpoint");
            JsonNode report = train.report();
            assertThat(report.get("resumed_from_step").asInt()).isZero();
            assertThat(report.get("lost_servers").toString()).isEqualTo("[4,5]");
            assertThat(report.get("lost_ranks")).isEmpty();
            assertThat(report.get("examples").asInt()).isEqualTo(10 * 30 * 800);
            assertThat(report.get("accuracy").asDouble()).isGreaterThan(0.9);
            train.awaitNothingLeft(pids);
        }
    }

    /** In bulk synchrony two groups are repeatable, so every push that counted must have counted once. */
    @Test
    @Tag("long")
    void ofGroupsInLockstepKilledServersChangeNoBit() throws Exception {
        String[] arguments = hybridWithBackups("paramserver", "--staleness", "bsp", "--epochs", "30");
        JsonNode undisturbed = GyreTrain.run(directory, arguments);
        try (GyreTrain train = GyreTrain.start(directory, arguments)) {
            train.awaitOutput("step \\d+ of");
            killServersInTurn(train);

            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();
            JsonNode report = train.report();
            assertThat(report.get("lost_servers").toString()).isEqualTo("[4,5]");
            assertThat(report.get("parameters_sha256")).isEqualTo(undisturbed.get("parameters_sha256"));
        }
    }

    /** Where a run goes back to a checkpoint, a group ends with each of its ranks. */
    private String[] hybridWithBackups(String between, String... more) {
        String[] groups = {"mlp", "-n", "4", "--strategy", "hybrid", "--groups", "2", "--between", between};
        String[] servers = {"--servers", "2", "--backups", "1", "--restarts", "1", "--checkpoint", checkpoints()};
        return with(with(groups, servers), more);
    }

    private String checkpoints() {
        try {
            return Files.createTempDirectory(directory, "checkpoints").toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void killServersInTurn(GyreTrain train) throws Exception {
        for (int server : List.of(4, 5)) {
            int other = server ^ 1;
            GyreTrain.kill(train.pid(server));
            train.awaitOutput("rank " + server + " .* was lost; the run continues without it");
            train.awaitOutput("rank " + server + " \\(.*\\) has rejoined the run");
            for (int shard = 0; shard < 2; shard++) {
                train.awaitOutput("\\[" + other + "\\].* shard " + shard + " has a backup again, on rank " + server);
            }
        }
    }

    /**
     * Two groups of two and a server: whether a lead or another rank is lost, its group ends and the other continues.
     */
    @Test
    void ofGroupsTheOthersGoOnWhenARankIsKilled() throws Exception {
        killOneOfAGroup(3, "elastic");
    }

    @Test
    @Tag("long")
    void ofGroupsTheOthersGoOnWhenALeadIsKilled() throws Exception {
        killOneOfAGroup(0, "paramserver");
    }

    private void killOneOfAGroup(int rank, String between) throws Exception {
        try (GyreTrain train = GyreTrain.start(directory, hybrid(between, "--servers", "1"))) {
            train.awaitOutput("step \\d+ of");
            List<Long> pids = train.pids();
            GyreTrain.kill(train.pid(rank));

            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();
            int groupMate = rank ^ 1;
            assertThat(train.output())
                    .containsPattern("rank " + rank + " .* was lost; the run continues without it")
                    .containsPattern("rank " + groupMate + " .* was lost; the run continues without it: rank "
                            + groupMate + " stopped in .*rank " + rank + " .* was lost")
                    .contains("2 of 4 ranks were lost: " + (rank & ~1) + ", " + (rank | 1));
            train.awaitNothingLeft(pids);
        }
    }

    @Test
    void ofGroupsAllEndWhenTheServerIsKilled() throws Exception {
        try (GyreTrain train = GyreTrain.start(directory, hybrid("elastic", "--servers", "1"))) {
            train.awaitOutput("step \\d+ of");

            killAndExpectItsName(train, 4);
        }
    }

    /** Every rank holds a part of the centre, so each is needed. */
    @Test
    @Tag("long")
    void ofGroupsWithoutServersOfTheirOwnAllEndWhenARankIsKilled() throws Exception {
        try (GyreTrain train = GyreTrain.start(directory, hybrid("elastic"))) {
            train.awaitOutput("step \\d+ of");

            killAndExpectItsName(train, 3);
        }
    }

    private static String[] hybrid(String between, String... more) {
        String[] arguments = {"mlp", "-n", "4", "--strategy", "hybrid", "--groups", "2", "--between", between};
        return with(with(arguments, "--epochs", "4"), more);
    }

    @ParameterizedTest(name = "{0} over {1}")
    @CsvSource({"elastic, auto", "paramserver, udp", "diloco, udp"})
    @Tag("long")
    void groupsLearnToReadDrawnDigits(String between, String transport) throws Exception {
        JsonNode report = GyreTrain.run(directory, hybrid(between, "--transport", transport));

        assertThat(report.get("accuracy").asDouble()).isGreaterThan(0.9);
        assertThat(report.get("groups").toString()).isEqualTo("[[0,1],[2,3]]");
        assertThat(report.get("max_staleness").asInt()).isBetween(0, 3);
        assertThat(Stream.of(1, 2, 3).map(report.get("parameters_sha256")::get))
                .containsOnly(report.get("parameters_sha256").get(0));
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"paramserver", "elastic"})
    @Tag("long")
    void strategiesWithServersLearnToReadDrawnDigits(String strategy) throws Exception {
        JsonNode report = GyreTrain.run(directory, "mlp", "-n", "3", "--strategy", strategy, "--epochs", "4");

        assertThat(report.get("strategy").asText()).isEqualTo(strategy);
        assertThat(report.get("accuracy").asDouble()).isGreaterThan(0.9);
        assertThat(report.get("max_staleness").asInt()).isBetween(0, 3);
        assertThat(report.get("parameters_sha256").get(2))
                .isEqualTo(report.get("parameters_sha256").get(0));
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"post-local", "diloco"})
    @Tag("long")
    void localStepsLearnToReadDrawnDigits(String strategy) throws Exception {
        JsonNode report = GyreTrain.run(directory, "mlp", "-n", "3", "--strategy", strategy, "--epochs", "4");

        assertThat(report.get("strategy").asText()).isEqualTo(strategy);
        assertThat(report.get("accuracy").asDouble()).isGreaterThan(0.9);
        assertThat(report.get("result").asText()).isEqualTo("the replica of every rank");
        assertThat(report.get("parameters_sha256").get(2))
                .isEqualTo(report.get("parameters_sha256").get(0));
    }

    @Test
    void aPortThatIsInUseIsNamed() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                GyreTrain train = GyreTrain.start(directory, "mlp", "--port", String.valueOf(taken.getLocalPort()))) {
            assertThat(train.awaitExit(GyreTrain.PATIENCE)).isEqualTo(1);
            assertThat(train.output())
                    .contains(String.valueOf(taken.getLocalPort()))
                    .doesNotContain("\tat ");
        }
    }

    @Test
    @Tag("long")
    void lenetTakesStepsOverUdp() throws Exception {
        JsonNode report = GyreTrain.run(directory, "lenet", "-n", "2", "--transport", "udp", "--steps", "5");

        assertThat(report.get("transport").asText()).isEqualTo("udp");
        assertThat(report.get("steps").asInt()).isEqualTo(5);
        assertThat(report.get("loss_last").asDouble())
                .isLessThan(report.get("loss_first").asDouble());
        assertThat(report.get("parameters_sha256").get(1))
                .isEqualTo(report.get("parameters_sha256").get(0));
    }

    @Test
    @Tag("long")
    void resNetOnTwoRanksTakesItsDefaultSteps() throws Exception {
        JsonNode report = GyreTrain.run(directory, "resnet50", "-n", "2");

        assertThat(report.get("steps").asInt()).isEqualTo(20);
        assertThat(report.get("loss_last").asDouble())
                .isLessThan(report.get("loss_first").asDouble());
        assertThat(report.get("accuracy").isNull()).isTrue();
        assertThat(report.get("parameters_sha256").get(1))
                .isEqualTo(report.get("parameters_sha256").get(0));
    }

    @ParameterizedTest(name = "rank {0}")
    @ValueSource(ints = {0, 1})
    @Tag("long")
    void aRankThatIsKilledWhileACheckpointIsWrittenIsNamedAndItsRunCanBeResumed(int rank) throws Exception {
        Path checkpoints = directory.resolve("checkpoints");
        String[] whole = {"lenet", "-n", "2", "--steps", "12", "--checkpoint-steps", "1", "--seed", "3"};
        try (GyreTrain train = GyreTrain.start(directory, with(whole, "--checkpoint", checkpoints.toString()))) {
            train.await(GyreTrain.PATIENCE, "the second checkpoint is being written", () -> {
                List<String> names = names(checkpoints);
                return names.contains("step-00000001.checkpoint") && names.contains("unfinished.checkpoint");
            });
            killAndExpectItsName(train, rank);
        }

        JsonNode resumed = GyreTrain.run(directory, with(whole, "--checkpoint", checkpoints.toString(), "--resume"));
        JsonNode uninterrupted = GyreTrain.run(
                directory,
                with(whole, "--checkpoint", directory.resolve("other").toString()));

        assertThat(resumed.get("resumed_from_step").asInt()).isBetween(1, 11);
        assertThat(resumed.get("parameters_sha256")).isEqualTo(uninterrupted.get("parameters_sha256"));
        assertThat(resumed.get("accuracy")).isEqualTo(uninterrupted.get("accuracy"));
    }

    @Test
    @Tag("long")
    void aRankThatIsKilledWhileItEvaluatesIsNamed() throws Exception {
        Path data = Files.createDirectory(directory.resolve("data"));
        IdxWriter.write(data, "train", 64);
        IdxWriter.write(data, "t10k", 60_000);
        try (GyreTrain train =
                GyreTrain.start(directory, "lenet", "-n", "2", "--steps", "2", "--data", data.toString())) {
            train.awaitOutput("step 2 of 2");

            killAndExpectItsName(train, 1);
        }
    }

    @Test
    @Tag("long")
    void aCheckpointOfAnotherModelIsNamed() throws Exception {
        Path checkpoints = directory.resolve("checkpoints");
        GyreTrain.run(directory, "mlp", "-n", "1", "--steps", "2", "--checkpoint", checkpoints.toString());

        try (GyreTrain train =
                GyreTrain.start(directory, "lenet", "-n", "2", "--checkpoint", checkpoints.toString(), "--resume")) {
            assertThat(train.awaitExit(GyreTrain.PATIENCE)).isEqualTo(1);
            assertThat(train.output())
                    .contains("the checkpoint is of another model")
                    .doesNotContain("\tat ");
        }
    }

    /** {@code -Dgyre.mnist=DIR}: the 10,000-image set, of which a fifth is held out. Takes minutes on two cores. */
    @Test
    @Tag("long")
    @EnabledIfSystemProperty(
            named = "gyre.mnist",
            matches = ".+",
            disabledReason = "-Dgyre.mnist=DIR names no directory with images-idx3-ubyte.gz and labels-idx1-ubyte.gz")
    void lenetOnFourRanksReadsMnistAsWellAsOnOne() throws Exception {
        String[] common = {"lenet", "--data", System.getProperty("gyre.mnist"), "--epochs", "3", "--seed", "1"};
        JsonNode four = GyreTrain.run(directory, with(common, "-n", "4"));
        JsonNode one = GyreTrain.run(directory, with(common, "-n", "1", "--batch", "64"));

        assertThat(four.get("accuracy").asDouble()).isGreaterThanOrEqualTo(0.98);
        assertThat(four.get("parameters_sha256")).hasSize(4);
        assertThat(Stream.of(1, 2, 3).map(four.get("parameters_sha256")::get))
                .containsOnly(four.get("parameters_sha256").get(0));
        assertThat(four.get("steps")).isEqualTo(one.get("steps"));
        // Six images of 2,000: rounding errors grow over 375 steps of Adam.
        assertThat(four.get("accuracy").asDouble())
                .isCloseTo(one.get("accuracy").asDouble(), within(0.003));
    }

    private static void killAndExpectItsName(GyreTrain train, int rank) throws Exception {
        List<Long> pids = train.pids();
        long pid = train.pid(rank);
        GyreTrain.kill(pid);

        assertThat(train.awaitExit(GyreTrain.FAILURE)).isEqualTo(1);
        assertThat(train.output()).containsPattern("gyre: rank " + rank + " \\(host .*, pid " + pid + "\\)");
        train.awaitNothingLeft(pids);
    }

    private static List<String> names(Path directory) {
        String[] names = directory.toFile().list();
        return names == null ? List.of() : List.of(names);
    }

    private static String[] with(String[] some, String... more) {
        return Stream.of(some, more).flatMap(Stream::of).toArray(String[]::new);
    }
}
