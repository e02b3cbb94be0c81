package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.testkit.Canary;
import io.gyre.transport.RunSecret;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Neither the user's secret nor the token of the run is in anything that a training writes: output at the most detailed
 * level, reports, checkpoints, crash files, shared memory, arguments and environments of processes.
 */
@EnabledOnOs(OS.LINUX)
@Tag("processes")
class SecretsTest {

    @TempDir
    Path directory;

    @TempDir
    Path elsewhere;

    private Path secret;

    @BeforeEach
    void makeSecret() {
        secret = elsewhere.resolve("secret");
        RunSecret.random(new SecureRandom()).write(secret);
    }

    private GyreTrain start(String... arguments) throws IOException {
        String flags = Stream.of("defaultLogLevel", "log.io.gyre", "log.io.gyre.transport")
                        .map(name -> "-Dorg.slf4j.simpleLogger." + name + "=trace ")
                        .reduce("", String::concat)
                + "-XX:ErrorFile=" + directory.resolve("crash-%p.log") + " -XX:-CreateCoredumpOnCrash";
        return GyreTrain.startAs(
                Map.of("GYRE_SECRET_FILE", secret.toString(), "JDK_JAVA_OPTIONS", flags), directory, arguments);
    }

    /** What must not be found: the user's secret, and the token of a run whose ranks are training. */
    private List<Canary> canaries(GyreTrain train) throws IOException {
        train.awaitOutput("step \\d+ of");
        List<Canary> canaries = new ArrayList<>();
        for (Path file : List.of(secret, train.tokenFile(0), train.tokenFile(1))) {
            Canary canary = new Canary(Files.readAllBytes(file));
            assertThat(canary.findsIn(file)).as("what the search finds").isNotEmpty();
            canaries.add(canary);
        }
        return canaries;
    }

    @Test
    void theyAreInNothingThatARunWrites() throws Exception {
        Path checkpoints = directory.resolve("checkpoints");
        try (GyreTrain train = start("mlp", "-n", "2", "--epochs", "1000", "--checkpoint", checkpoints.toString())) {
            List<Canary> canaries = canaries(train);
            List<Path> shared = sharedMemory(train.pids());
            assertThat(shared).as("directories in shared memory").hasSize(2);
            for (Canary canary : canaries) {
                for (Path place : shared) {
                    assertThat(canary.findsIn(place)).isEmpty();
                }
                assertThat(canary.findsInProcesses()).isEmpty();
            }

            train.signal("TERM");
            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isEqualTo(143);

            assertThat(train.output()).contains("TRACE ");
            assertThat(train.report().has("stopped")).isTrue();
            assertThat(checkpoints).isNotEmptyDirectory();
            for (Canary canary : canaries) {
                assertThat(canary.findsIn(directory)).isEmpty();
            }
        }
    }

    @Test
    void theyAreInNothingThatACrashLeaves() throws Exception {
        try (GyreTrain train = start("mlp", "-n", "2", "--epochs", "1000")) {
            List<Canary> canaries = canaries(train);
            long victim = train.pid(1);
            GyreTrain.signal("SEGV", victim);

            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isEqualTo(1);

            assertThat(train.output())
                    .containsPattern("gyre: rank 1 \\(.*\\) ended with exit status 1; its last lines:")
                    .contains("    # An error report file with more information is saved as:");
            assertThat(directory.resolve("crash-" + victim + ".log")).content().contains("JDK_JAVA_OPTIONS");
            for (Canary canary : canaries) {
                assertThat(canary.findsIn(directory)).isEmpty();
            }
        }
    }

    private static List<Path> sharedMemory(List<Long> pids) throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> homes = Files.newDirectoryStream(Path.of("/dev/shm"), "gyre-*")) {
            for (Path home : homes) {
                for (long pid : pids) {
                    try (DirectoryStream<Path> own = Files.newDirectoryStream(home, pid + "-*")) {
                        own.forEach(found::add);
                    }
                }
            }
        }
        return found;
    }
}
