package io.gyre.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.openblas.FastKernels;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.SoftMemoryBox;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class ServerBenchTest {

    @ParameterizedTest(name = "{0} clients, {1} servers")
    @CsvSource({"1, 1", "3, 1", "2, 2"})
    void everyOperationOnEveryLengthIsMeasured(int clients, int servers) throws Exception {
        ServerBenchOptions options = CommandLine.populateCommand(
                new ServerBenchOptions(), "--bytes", "4,1000,64K", "--seconds", "0.01", "--warm-up", "0");

        List<Optional<ServerReport>> reports =
                Gyre.local(clients + servers).call(session -> new ServerBench(options, session, servers).run());

        assertThat(reports.subList(clients, clients + servers)).containsOnly(Optional.empty());
        ServerReport report = reports.get(0).orElseThrow();
        assertThat(report.results())
                .extracting(ServerResult::operation)
                .containsExactly(
                        "read",
                        "write",
                        "accumulate",
                        "pushpull",
                        "read",
                        "write",
                        "accumulate",
                        "pushpull",
                        "read",
                        "write",
                        "accumulate",
                        "pushpull");
        assertThat(report.results()).allSatisfy(result -> {
            assertThat(result.servers()).isEqualTo(servers);
            assertThat(result.clients()).isEqualTo(clients);
            assertThat(result.checked()).isTrue();
            assertThat(result.rounds()).isGreaterThanOrEqualTo(6).isEven();
            assertThat(result.bestUs()).isPositive().isLessThanOrEqualTo(result.medianUs());
            assertThat(result.medianUs()).isLessThanOrEqualTo(result.p99Us());
            assertThat(result.floorUs()).isPositive();
        });
    }

    @ParameterizedTest(name = "round {0}")
    @ValueSource(ints = {0, 1})
    void oneElementThatIsAddedToTwiceIsFound(int wrongRound) throws Exception {
        Gyre.local(1).run(session -> {
            try (ParameterService service = ParameterService.builder(session).start()) {
                SoftMemoryBox box = service.create("box", ElementType.FLOAT32, 1_000);
                ServerWorkload.Vectors vectors =
                        new ServerWorkload.Vectors(Region.allocate("own", 4_000), Region.allocate("other", 4_000));
                ServerWorkload workload = ServerWorkload.accumulate(box, vectors, FastKernels.choose(), 0, 1);
                for (int round = 0; round < wrongRound; round++) {
                    workload.prepare(round);
                    workload.operate(round);
                    workload.check(round);
                }
                workload.prepare(wrongRound);
                workload.operate(wrongRound);
                Region once = Region.allocate("once more", 4_000);
                once.putFloat(3_996, 1);
                box.accumulate(once);

                assertThatThrownBy(() -> workload.check(wrongRound))
                        .isInstanceOf(GyreException.class)
                        .hasMessageContaining("element 999");
            }
        });
    }

    @Test
    void aReportIsReadAsItWasWritten() {
        ServerResult result = new ServerResult(2, 3, "read", 4096, 1.5, 2, 1, 8.1, true, 10, 1.2);
        ServerReport report = new ServerReport("shm", List.of(result), "OpenBLAS", "17", 2, 0.5, 1, null);

        assertThat(ServerReport.parse(report.toJson())).isEqualTo(report);
        assertThat(report.plus(report).results()).containsExactly(result, result);
        assertThat(report.heading() + report.lines()).contains("over shm", "4096", "0.80");
    }
}
