package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs of real processes that end by themselves. */
class RunTest {

    @Test
    void everyLineCarriesItsRankAndNoneIsTorn() throws Exception {
        try (GyreProcess gyre = GyreProcess.run(3, "lines", "100")) {
            assertThat(gyre.awaitExit(Await.LONG)).isZero();

            assertThat(gyre.out()).hasSize(300);
            for (int rank = 0; rank < 3; rank++) {
                String start = "[" + rank + "] out " + rank + " begins x";
                assertThat(gyre.out())
                        .filteredOn(line -> line.startsWith(start))
                        .hasSize(100)
                        .allSatisfy(line -> assertThat(line).matches(".* begins x{5000} \\d+ ends"));
            }
            assertThat(gyre.errors().lines()).hasSize(300);
        }
    }

    private static Map<String, String> variables(String environment) {
        return Arrays.stream(environment.split(" ", -1))
                .map(word -> word.split("=", 2))
                .collect(Collectors.toMap(word -> word[0], word -> word[1]));
    }

    @ParameterizedTest(name = "{1}")
    @CsvSource({
        "PMI_RANK=1 PMI_SIZE=4 MPI_LOCALNRANKS=2 MPI_LOCALRANKID=1 GYRE_RENDEZVOUS=h:5, h:5",
        "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4 GYRE_RENDEZVOUS=/shared/run, /shared/run",
        "SLURM_STEP_ID=0 SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=4 SLURM_STEP_NODELIST=n[4-5], n4:\\d+",
        "RANK=1 WORLD_SIZE=4 MASTER_ADDR=m MASTER_PORT=29500, m:29500",
        "JOB_COMPLETION_INDEX=1 WORLD_SIZE=4 HOSTNAME=job-1, job-0.job:29600",
    })
    void whereAnotherLauncherHasStartedSeveralItIsOneOfThem(String environment, String place) throws Exception {
        Map<String, String> variables = variables(environment);
        try (GyreProcess gyre = GyreProcess.run(variables, List.of(), "environment")) {
            assertThat(gyre.awaitExit(Await.LONG)).as(gyre.output()).isZero();

            assertThat(gyre.out())
                    .contains("GYRE_RANK=1", "GYRE_WORLD_SIZE=4")
                    .anyMatch(line -> line.matches("GYRE_RENDEZVOUS=" + place))
                    .anyMatch(line -> line.matches("OMP_NUM_THREADS=\\d+"))
                    .noneMatch(line -> line.startsWith("GYRE_TOKEN_FILE"));
            gyre.awaitNobodyLeft();
        }
    }

    @ParameterizedTest(name = "{1}")
    @CsvSource({
        "-n 2, 2 ranks were asked for but SLURM has started this process as rank 1 of 4: leave -n out",
        "-n 4 --hosts a, '--hosts a: SLURM has placed the ranks, and this is rank 1 of 4'",
        "--restarts 1, '--restarts 1: ranks are started, and restarted, by SLURM'",
    })
    void whatContradictsTheOtherLauncherIsRefused(String options, String message) throws Exception {
        Map<String, String> variables =
                variables("SLURM_STEP_ID=0 SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=4 SLURM_STEP_NODELIST=n[4-5]");
        try (GyreProcess gyre = GyreProcess.run(variables, List.of(options.split(" ", -1)), "environment")) {
            assertThat(gyre.awaitExit(Await.LONG)).isEqualTo(2);

            assertThat(gyre.errors().replace(",", ""))
                    .contains(message.replace(",", ""))
                    .doesNotContain("\n");
            assertThat(gyre.out()).isEmpty();
        }
    }

    @Test
    void aLauncherThatDoesNotTellWhereTheRanksMeetIsNamed() throws Exception {
        try (GyreProcess gyre = GyreProcess.run(variables("PMI_RANK=1 PMI_SIZE=4"), List.of(), "environment")) {
            assertThat(gyre.awaitExit(Await.LONG)).isEqualTo(2);

            assertThat(gyre.errors()).contains("MPICH does not tell where the ranks meet: set GYRE_RENDEZVOUS");
        }
    }

    @Test
    void oneProcessOfABatchSystemStartsAllRanksItself() throws Exception {
        Map<String, String> one = variables("SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=1");
        try (GyreProcess gyre = GyreProcess.run(one, List.of("-n", "2"), "environment")) {
            assertThat(gyre.awaitExit(Await.LONG)).as(gyre.output()).isZero();

            assertThat(gyre.out()).contains("[0] GYRE_WORLD_SIZE=2", "[1] GYRE_WORLD_SIZE=2");
        }
    }

    private static GyreProcess asOneOfAnotherLaunchersRanks(String... program) throws Exception {
        Map<String, String> variables = variables("PMI_RANK=1 PMI_SIZE=4 GYRE_RENDEZVOUS=h:5");
        return GyreProcess.run(variables, List.of(), program);
    }

    @Test
    void itsStatusIsThatOfTheRank() throws Exception {
        try (GyreProcess gyre = asOneOfAnotherLaunchersRanks("fail", "1")) {
            assertThat(gyre.awaitExit(Await.LONG)).isEqualTo(7);

            assertThat(gyre.errors()).isEqualTo("about to fail");
        }
    }

    @Test
    void aSignalReachesTheRankWhichHasTimeToEnd(@TempDir Path shared) throws Exception {
        Path mayEnd = shared.resolve("may-end");
        try (GyreProcess gyre = asOneOfAnotherLaunchersRanks("orderly", mayEnd.toString())) {
            gyre.await("the rank is ready", () -> gyre.output().contains("ready"));
            gyre.signal("TERM");
            gyre.await("the rank is asked to end", () -> gyre.out().contains("asked by 15"));
            Files.createFile(mayEnd);

            assertThat(gyre.awaitExit(Await.LONG)).as(gyre.output()).isEqualTo(143);
            assertThat(gyre.out()).contains("ended in order");
        }
    }

    @Test
    void theRankDoesNotOutliveACommandThatIsKilled() throws Exception {
        try (GyreProcess gyre = asOneOfAnotherLaunchersRanks("stubborn")) {
            gyre.await("the rank is ready", () -> gyre.output().contains("ready"));
            gyre.signal("KILL");

            gyre.awaitNobodyLeft();
        }
    }

    @Test
    void argumentsArriveAsTheyWereGiven() throws Exception {
        String[] strange = {
            "two words",
            "it's",
            "\"quoted\"",
            "$HOME `id` $(id)",
            "back\\slash",
            "*",
            "@file",
            "--",
            "-n",
            "",
            "two\nlines"
        };
        String[] program = new String[strange.length + 1];
        program[0] = "arguments";
        System.arraycopy(strange, 0, program, 1, strange.length);
        try (GyreProcess gyre = GyreProcess.run(1, program)) {
            assertThat(gyre.awaitExit(Await.LONG)).isZero();

            assertThat(gyre.out().subList(0, strange.length))
                    .containsExactly(List.of(strange).stream()
                            .map(argument -> "[0] " + argument.replace("\n", "\\n"))
                            .toArray(String[]::new));
        }
    }

    @Test
    void whatFollowsTheProgramIsItsOwnEvenWithoutASeparator() throws Exception {
        try (GyreProcess gyre =
                GyreProcess.start("run", "-n", "1", RankProgram.class.getName(), "arguments", "-n", "--help")) {
            assertThat(gyre.awaitExit(Await.LONG)).isZero();

            assertThat(gyre.out()).containsExactly("[0] -n", "[0] --help");
        }
    }

    @Test
    void ranksAreToldWhoTheyAre() throws Exception {
        try (GyreProcess gyre = GyreProcess.run(2, "environment")) {
            assertThat(gyre.awaitExit(Await.LONG)).isZero();

            assertThat(gyre.out())
                    .contains(
                            "[1] GYRE_RANK=1",
                            "[1] GYRE_WORLD_SIZE=2",
                            "[1] GYRE_LOCAL_RANK=1",
                            "[1] GYRE_LOCAL_SIZE=2",
                            "[1] GYRE_TRANSPORT=auto");
            assertThat(gyre.out()).anyMatch(line -> line.matches("\\[1] GYRE_RENDEZVOUS=127\\.0\\.0\\.1:\\d+"));
        }
    }

    @Test
    void whatTheUserSetStays() throws Exception {
        Map<String, String> environment = Map.of("OMP_NUM_THREADS", "3", "OMP_WAIT_POLICY", "ACTIVE");
        try (GyreProcess gyre = GyreProcess.run(environment, List.of("-n", "1"), "environment")) {
            assertThat(gyre.awaitExit(Await.LONG)).isZero();

            assertThat(gyre.out()).contains("[0] OMP_NUM_THREADS=3", "[0] OMP_WAIT_POLICY=ACTIVE");
        }
    }
}
