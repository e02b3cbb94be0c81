package io.gyre.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.launcher.GyreCommandLine;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@EnabledOnOs(OS.LINUX)
@Tag("processes")
class BenchCommandTest {

    @TempDir
    private Path directory;

    private final StringWriter err = new StringWriter();

    private int bench(String... arguments) {
        return GyreCommandLine.of(new BenchCommand())
                .setErr(new PrintWriter(err))
                .execute(arguments);
    }

    @ParameterizedTest
    @CsvSource({"shm, direct", "ipc, ring", "udp, ring"})
    void twoProcessesReduceAndReport(String transport, String algorithm) throws Exception {
        Path file = directory.resolve("report.json");

        int status = bench(
                "allreduce",
                "--transport",
                transport,
                "--bytes",
                "4K,256K",
                "--seconds",
                "0.05",
                "--warm-up",
                "0",
                "--report",
                file.toString());

        assertThat(status).as(err.toString()).isZero();
        JsonNode report = new ObjectMapper().readTree(file.toFile());
        assertThat(report.get("ranks").asInt()).isEqualTo(2);
        assertThat(report.get("transport").asText()).isEqualTo(transport);
        assertThat(report.get("algorithm").asText()).isEqualTo(algorithm);
        assertThat(report.get("results")).hasSize(2).allSatisfy(result -> {
            assertThat(result.fieldNames())
                    .toIterable()
                    .contains("bytes", "median_us", "p99_us", "best_us", "algbw_gbps", "checked");
            assertThat(result.get("checked").isBoolean()
                            && result.get("checked").asBoolean())
                    .isTrue();
            assertThat(result.get("median_us").asDouble()).isPositive();
        });
        assertThat(report.get("results").get(1).get("bytes").asLong()).isEqualTo(262_144);
        assertThat(report.get("others_share").asDouble(-1)).isBetween(0.0, 1.0);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
                    --bytes 10                | multiple of 4
                    --bytes 4X                | '4X' is no length
                    --bytes 0                 | '0' is no length
                    -n 0                      | -n 0
                    --seconds -1              | --seconds -1
                    --transport carrier-pigeon| carrier-pigeon
                    --algorithm magic         | magic
                    --report /none/r.json     | there is no directory /none
                    """)
    void badArgumentsAreNamed(String arguments, String message) {
        assertThat(bench(("allreduce " + arguments.strip()).split(" "))).isEqualTo(2);
        assertThat(err.toString()).contains(message.strip());
    }

    @ParameterizedTest
    @ValueSource(strings = {"shm", "udp"})
    void processesServeAndReport(String transport) throws Exception {
        Path file = directory.resolve("report.json");

        int status = bench(
                "paramserver",
                "--servers",
                "1",
                "--clients",
                "1,2",
                "--transport",
                transport,
                "--bytes",
                "4K",
                "--seconds",
                "0.02",
                "--warm-up",
                "0",
                "--report",
                file.toString());

        assertThat(status).as(err.toString()).isZero();
        JsonNode report = new ObjectMapper().readTree(file.toFile());
        assertThat(report.get("transport").asText()).isEqualTo(transport);
        assertThat(report.get("results")).hasSize(8).allSatisfy(result -> {
            assertThat(result.get("checked").asBoolean()).isTrue();
            assertThat(result.get("median_us").asDouble()).isPositive();
            assertThat(result.get("bytes").asLong()).isEqualTo(4096);
        });
        assertThat(report.get("results").get(7).get("clients").asInt()).isEqualTo(2);
        assertThat(report.get("others_share").asDouble(-1)).isBetween(0.0, 1.0);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    paramserver --servers 0        | --servers 0
                    paramserver --clients 65       | --clients 65
                    paramserver --operations fly   | fly
                    stragglers --staleness much    | --staleness much
                    stragglers --factor 0          | --factor 0
                    scaling --strategies magic     | is none of allreduce
                    scaling --strategies allreduce:4 | is none of bf16
                    scaling --strategies paramserver:4 | only elastic, hybrid
                    scaling --rates 0              | --rates
                    scaling --slow 0.5             | --slow
                    scaling --hosts 0              | --hosts 0
                    scaling --plot p.gif           | ends in .png
                    soak --kinds unsafe            | --kinds unsafe is none of [plain, safe, ranks]
                    soak --models elephant         | --models elephant
                    soak --runs 0                  | --runs 0
                    """)
    void badArgumentsOfOtherCommandsAreNamed(String arguments, String message) {
        assertThat(bench(arguments.strip().split(" "))).isEqualTo(2);
        assertThat(err.toString()).contains(message.strip());
    }

    @Test
    void strategiesAreComparedOnHostsWithShapedLinks() throws Exception {
        Optional<String> obstacle = ShapedHosts.obstacle();
        // Visible also without looking at the skipped tests.
        obstacle.ifPresent(reason -> System.out.println("gyre bench scaling is not tested here: " + reason));
        assumeTrue(obstacle.isEmpty(), () -> obstacle.orElse(""));
        Path file = directory.resolve("report.json");
        Path plot = directory.resolve("plot.png");

        int status = bench(
                "scaling",
                "--strategies",
                "allreduce,hybrid",
                "--hosts",
                "1,2",
                "--rates",
                "1",
                "--bytes",
                "1M",
                "--compute",
                "20",
                "--dilation",
                "5",
                "--steps",
                "2",
                "--report",
                file.toString(),
                "--plot",
                plot.toString());

        assertThat(status).as(err.toString()).isZero();
        JsonNode report = new ObjectMapper().readTree(file.toFile());
        assertThat(report.get("results")).hasSize(4).allSatisfy(result -> {
            assertThat(result.get("checked").asBoolean()).isTrue();
            assertThat(result.get("step_ms").asDouble()).isGreaterThanOrEqualTo(20);
            // The mean over steps is 1 MiB plus headers; without lockstep the first and last steps are counted partly.
            double least = result.get("hosts").asInt() == 1 ? 0 : 1 << 19;
            assertThat(result.get("sent_bytes").asDouble()).isGreaterThanOrEqualTo(least);
        });
        assertThat(plot).isNotEmptyFile();
    }

    @Test
    @Tag("long")
    void jvmsWithSafeReclamationOutliveTheirCollections() throws Exception {
        Path file = directory.resolve("report.json");

        int status = bench(
                "soak",
                "--kinds",
                "safe,ranks",
                "--models",
                "convolution",
                "--collectors",
                "Serial",
                "--runs",
                "1",
                "--seconds",
                "10",
                "--report",
                file.toString());

        assertThat(status).as(err.toString()).isZero();
        JsonNode report = new ObjectMapper().readTree(file.toFile());
        assertThat(report.get("results")).hasSize(2).allSatisfy(result -> {
            assertThat(result.get("crashes").asInt()).isZero();
            assertThat(result.get("collections").asLong()).isPositive();
        });
        assertThat(report.get("others_share").asDouble(-1)).isBetween(0.0, 1.0);
    }

    @Test
    @Tag("long")
    void jmhMeasuresKernelsFramesAndLatency() throws Exception {
        Path file = directory.resolve("jmh.json");

        int status = bench(
                "jmh",
                "KernelBenchmark.sum|FrameBenchmark|LatencyBenchmark",
                "-p",
                "bytes=4096",
                "-p",
                "kernels=fast",
                "--report",
                file.toString());

        assertThat(status).as(err.toString()).isZero();
        // One of kernels, one of frames, and latency over two transports.
        assertThat(new ObjectMapper().readTree(file.toFile())).hasSize(4);
    }

    @Test
    void killsThatLeaveNoProcessAreRefused() {
        assertThat(bench("recovery", "-n", "3", "--restarts", "1", "--kills", "6"))
                .isEqualTo(2);
        assertThat(err).asString().contains("--kills 6: expected 1 to 5");
    }
}
