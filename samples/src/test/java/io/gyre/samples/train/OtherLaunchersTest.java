package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
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
@Tag("long")
class OtherLaunchersTest {

    private static final Path REAL_DIGITS = Path.of("..", "..", "shared", "data", "mnist-10k");

    /** Four JVMs on a busy host. */
    private static final Map<String, String> PATIENT = Map.of("GYRE_JOIN_TIMEOUT", "300");

    @TempDir
    private static Path ownDirectory;

    private static JsonNode ours;

    @TempDir
    private Path directory;

    /**
     * On real digits if they are there, else on drawn ones. Sums are taken in the order of the ranks, whichever host
     * they are on.
     */
    private static String[] training(String... more) {
        List<String> words = new ArrayList<>(List.of("lenet", "--steps", "8", "--batch", "16", "--transport", "udp"));
        if (Files.isDirectory(REAL_DIGITS)) {
            words.addAll(
                    List.of("--data", REAL_DIGITS.toAbsolutePath().normalize().toString()));
        }
        words.addAll(Arrays.asList(more));
        return words.toArray(String[]::new);
    }

    @BeforeAll
    static void trainByOurs() throws Exception {
        try (GyreTrain train = GyreTrain.startAs(PATIENT, ownDirectory, training("-n", "4"))) {
            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();
            ours = train.report();
        }
        assertThat(ours.get("parameters_sha256")).hasSize(4);
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

            assertThat(train.report().get("parameters_sha256")).isEqualTo(ours.get("parameters_sha256"));
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

    @Test
    void slurmOnTwoNodesAndARankThatIsKilled() throws Exception {
        assumeThereIs(SlurmCluster.obstacle());
        try (SlurmCluster cluster = SlurmCluster.open(Files.createDirectory(directory.resolve("slurm")))) {
            Map<String, String> environment = new HashMap<>(PATIENT);
            environment.putAll(cluster.environment());
            // The nodes' names mean nothing to this host.
            environment.put("GYRE_RENDEZVOUS", directory.resolve("meet").toString());
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
