package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The doctor on several hosts, behind an ssh that stays here. */
@EnabledOnOs(OS.LINUX)
class DoctorHostsTest {

    /** Several JVMs start one after the other, on hosts that may be busy. */
    private static final Duration TWO_STARTS = Await.LONG.multipliedBy(4);

    @TempDir
    private Path directory;

    private GyreProcess doctor(FakeSsh ssh, String hosts) throws Exception {
        return GyreProcess.start(
                ssh.environment(),
                List.of(
                        "doctor",
                        "--hosts",
                        hosts,
                        "--report",
                        directory.resolve("report.json").toString()));
    }

    private JsonNode report() throws Exception {
        return new ObjectMapper().readTree(directory.resolve("report.json").toFile());
    }

    @Test
    void hostsAndLinksAreInATableWithAVerdict() throws Exception {
        try (GyreProcess gyre = doctor(FakeSsh.in(directory), "127.0.0.[2-4]")) {
            assertThat(gyre.awaitExit(TWO_STARTS)).as(gyre.output()).isZero();

            assertThat(gyre.out())
                    .anyMatch(line -> line.matches("host +rank +Gyre +Java +cores +threads .*"))
                    .anyMatch(line -> line.matches("127\\.0\\.0\\.2 +0 .*the first"))
                    .anyMatch(line -> line.matches("127\\.0\\.0\\.4 +2 .* \\+- .*"))
                    .anyMatch(line -> line.matches("127\\.0\\.0\\.3 +127\\.0\\.0\\.4 +sealed UDP +.*s +.*B/s"))
                    .anyMatch(line -> line.startsWith("VERDICT "))
                    .noneMatch(line -> line.contains(DoctorRank.MARK));
        }
        assertThat(report().get("can_train").asBoolean()).isTrue();
        assertThat(report().get("hosts")).hasSize(3).allSatisfy(host -> {
            assertThat(host.get("cores").asInt()).isPositive();
            assertThat(host.get("copied_bytes_per_second").asDouble()).isPositive();
        });
        assertThat(report().get("links")).hasSize(3);
        Processes.awaitNoneWith(DoctorRank.class.getName(), GyreProcess.STOPPED);
    }

    @Test
    void aHostThatCannotBeReachedIsOneLineAndTheOthersAreMeasured() throws Exception {
        FakeSsh ssh = FakeSsh.in(directory);
        Path works = Files.move(directory.resolve("ssh"), directory.resolve("ssh-that-works"));
        ssh.write("ssh", """
                #!/bin/sh
                case "$*" in
                    -G*) ;;
                    *127.0.0.3*) echo 'ssh: connect to host 127.0.0.3 port 22: No route to host' >&2; exit 255 ;;
                esac
                exec %s "$@"
                """.formatted(works));
        try (GyreProcess gyre = doctor(ssh, "127.0.0.[2-4]")) {
            assertThat(gyre.awaitExit(TWO_STARTS)).as(gyre.output()).isEqualTo(1);

            assertThat(gyre.out())
                    .contains(
                            "PROBLEM 127.0.0.3: ssh did not reach it: ssh: connect to host 127.0.0.3 port 22: No route"
                                    + " to host")
                    .anyMatch(line -> line.matches("127\\.0\\.0\\.2 +127\\.0\\.0\\.4 +sealed UDP .*"))
                    .anyMatch(line -> line.startsWith("VERDICT "));
        }
        assertThat(report().get("can_train").asBoolean(true)).isFalse();
        assertThat(report().get("hosts").get(1).get("problem").asText()).contains("No route to host");
        assertThat(report().get("links")).hasSize(1);
    }

    @Test
    void hostsOfWhichNoneAnswersAreALineEach() throws Exception {
        FakeSsh ssh = new FakeSsh(directory);
        ssh.write("ssh", "#!/bin/sh\necho \"no way there\" >&2; exit 255\n");
        try (GyreProcess gyre = doctor(ssh, "127.0.0.[2-3]")) {
            assertThat(gyre.awaitExit(TWO_STARTS)).as(gyre.output()).isEqualTo(1);

            assertThat(gyre.out())
                    .filteredOn(line -> !line.isEmpty())
                    .containsExactly(
                            "PROBLEM 127.0.0.2: ssh did not reach it: no way there",
                            "PROBLEM 127.0.0.3: ssh did not reach it: no way there",
                            "PROBLEM no host has answered");
        }
    }

    @Test
    void loadingIsForThisHost() {
        StringWriter err = new StringWriter();

        assertThat(GyreCommandLine.of(new GyreMain())
                        .setErr(new PrintWriter(err, true))
                        .execute("doctor", "--load", "--hosts", "127.0.0.2"))
                .isEqualTo(2);

        assertThat(err.toString()).contains("--load looks at this host");
    }
}
