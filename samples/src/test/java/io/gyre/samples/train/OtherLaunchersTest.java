package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Launchers of others, where they are installed, start the ranks of the same training: all end with the same bits as
 * under ours. Each is skipped, with the reason, where it is not there.
 */
@EnabledOnOs(OS.LINUX)
@Tag("processes")
class OtherLaunchersTest {

    /** Four JVMs on a busy host. */
    private static final Map<String, String> PATIENT = Map.of("GYRE_JOIN_TIMEOUT", "300");

    @TempDir
    private static Path ownDirectory;

    private static @Nullable JsonNode report;

    @TempDir
    private Path directory;

    private static String[] training(String... more) {
        return Digits.train(8, 16, more);
    }

    /** The report of the training by our own launcher; made once, and only if there is a launcher to compare. */
    private static JsonNode ours() throws Exception {
        JsonNode made = report;
        if (made == null) {
            try (GyreTrain train = GyreTrain.startAs(PATIENT, ownDirectory, training("-n", "4"))) {
                assertThat(train.awaitExit(GyreTrain.PATIENCE))
                        .as(train.output())
                        .isZero();
                made = train.report();
            }
            assertThat(made.get("parameters_sha256")).hasSize(4);
            report = made;
        }
        return made;
    }

    private static void assumeThereIs(Optional<String> obstacle) {
        obstacle.ifPresent(reason -> System.out.println("skipped: " + reason));
        assumeTrue(obstacle.isEmpty(), obstacle.orElse(""));
    }

    private static Optional<String> missing(String program) {
        return Stream.of(System.getenv("PATH").split(":", -1))
                        .anyMatch(place -> Files.isExecutable(Path.of(place, program)))
                ? Optional.empty()
                : Optional.of("there is no " + program);
    }

    private String train(List<String> wrapper, Map<String, String> more, String... arguments) throws Exception {
        Map<String, String> environment = new HashMap<>(PATIENT);
        environment.putAll(more);
        try (GyreTrain train = GyreTrain.startBy(wrapper, environment, directory, arguments)) {
            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();

            assertThat(train.report().get("parameters_sha256")).isEqualTo(ours().get("parameters_sha256"));
            assertThat(train.output()).containsOnlyOnce("trained lenet");
            return train.output();
        }
    }

    @Test
    void openMpi() throws Exception {
        assumeThereIs(missing("mpirun.openmpi"));
        List<String> wrapper = List.of(
                "mpirun.openmpi",
                "--allow-run-as-root",
                "-n",
                "4",
                "--oversubscribe",
                "--bind-to",
                "none",
                "--mca",
                "oob_tcp_if_include",
                "lo");

        assertThat(train(wrapper, Map.of(), training())).contains("gyre: rank 0 of 4, started by Open MPI (");
    }

    @Test
    void mpich() throws Exception {
        assumeThereIs(missing("mpiexec.hydra"));

        assertThat(train(List.of("mpiexec.hydra", "-n", "4", "-bind-to", "none"), Map.of(), training()))
                .contains("gyre: rank 0 of 4, started by MPICH (");
    }

    /** The options have the names that every torchrun has. */
    private static List<String> torchrun(int restarts) throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return List.of(
                    "torchrun",
                    "--no_python",
                    "--nproc_per_node",
                    "4",
                    "--max_restarts",
                    String.valueOf(restarts),
                    "--master_addr",
                    "127.0.0.1",
                    "--master_port",
                    String.valueOf(free.getLocalPort()),
                    // Torch 1.13 on Python 3.11 fails on the default of these two.
                    "--redirects",
                    "0:2",
                    "--tee",
                    "0:2");
        }
    }

    @Test
    void torchrunStartsAllRanksAgainAndTheyGoOn() throws Exception {
        assumeThereIs(missing("torchrun"));
        Path checkpoints = directory.resolve("checkpoints");
        String[] training = training("--checkpoint", checkpoints.toString(), "--checkpoint-steps", "1", "--resume");
        try (GyreTrain train = GyreTrain.startBy(torchrun(1), PATIENT, directory, training)) {
            train.awaitOutput("step 1 of");
            GyreTrain.kill(train.pid(2));

            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();
            assertThat(train.report().get("parameters_sha256")).isEqualTo(ours().get("parameters_sha256"));
            assertThat(train.output()).contains("gyre: rank 0 of 4, started by torchrun (", "resumed from step");
            train.awaitNothingLeft(List.of());
        }
    }

    @Test
    void slurmOnTwoNodesAndARankThatIsKilled() throws Exception {
        assumeThereIs(SlurmCluster.obstacle());
        try (SlurmCluster cluster = SlurmCluster.open(Files.createDirectory(directory.resolve("slurm")))) {
            Map<String, String> environment = new HashMap<>(PATIENT);
            environment.putAll(cluster.environment());
            environment.put("GYRE_BIND", "lo");
            List<String> wrapper = List.of("srun", "-N2", "-n4", "--overcommit", "--kill-on-bad-exit=1");

            assertThat(train(wrapper, environment, training())).contains("gyre: rank 0 of 4, started by SLURM (");

            try (GyreTrain train =
                    GyreTrain.startBy(wrapper, environment, directory, "lenet", "--epochs", "1000", "--batch", "16")) {
                train.awaitOutput("step [\\d,]+ of");
                GyreTrain.kill(train.pid(2));

                assertThat(train.awaitExit(GyreTrain.PATIENCE))
                        .as(train.output())
                        .isNotZero();
                assertThat(train.output()).containsPattern("rank 2 .*was lost|rank 2 .* is gone|task 2: ");
            }
        }
    }

    /** Aliases of two loopback addresses, which only the configuration of ssh knows. */
    @Test
    void hostsBehindSshWithAliases() throws Exception {
        assumeThereIs(SshDaemon.obstacle());
        try (SshDaemon sshd = SshDaemon.start(Files.createDirectory(directory.resolve("sshd")))) {
            Map<String, String> environment = sshd.client(Map.of("left", "127.0.0.1", "right", "127.0.0.2"));

            String output =
                    train(List.of(), environment, training("-n", "4", "--hosts", "left,right", "--interface", "lo"));
            assertThat(output)
                    .contains("other hosts reach this one at 127.0.0.1 (that of interface lo)")
                    .contains("left is 127.0.0.1")
                    .contains("right is 127.0.0.2");
        }
    }
}
