package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TrainReportTest {

    @Test
    void theJsonHasTheNamesThatOthersRelyOn() throws IOException {
        JsonNode json = new ObjectMapper().readTree(report(0.5, 0.98).toJson());

        assertThat(json.fieldNames())
                .toIterable()
                .contains(
                        "ranks",
                        "strategy",
                        "groups",
                        "result",
                        "transport",
                        "steps",
                        "epochs",
                        "examples",
                        "seconds",
                        "examples_per_second",
                        "loss_first",
                        "loss_last",
                        "accuracy",
                        "bits_per_character",
                        "parameters_sha256",
                        "lost_ranks",
                        "returned_ranks",
                        "lost_servers",
                        "bytes_sent",
                        "network_bytes_sent",
                        "max_staleness",
                        "exchange_ms",
                        "exposed_ms");
        assertThat(json.get("exchange_ms").get("median").asDouble()).isEqualTo(12);
        assertThat(json.get("exposed_ms").get("p99").asDouble()).isEqualTo(9);
        assertThat(json.get("ranks").asInt()).isEqualTo(2);
        assertThat(json.get("accuracy").asDouble()).isEqualTo(0.98);
        assertThat(json.get("parameters_sha256")).hasSize(2);
        assertThat(json.get("bytes_sent").get(1).asLong()).isEqualTo(1L << 40);
    }

    @Test
    void peopleAreToldWhoWasLostAndCameBack() {
        assertThat(report(0.5, 0.98).summary())
                .contains("1 of 2 ranks were lost and restarted: 1")
                .doesNotContain("were lost:");
    }

    @Test
    void peopleAreToldWhichServersWereLost() {
        assertThat(report(0.5, 0.98).summary()).contains("servers were lost, and their backups took over: rank 3");
    }

    @Test
    void whatThereIsNotIsNull() throws IOException {
        JsonNode json = new ObjectMapper().readTree(report(null, null).toJson());

        assertThat(json.has("accuracy")).isTrue();
        assertThat(json.get("accuracy").isNull()).isTrue();
        assertThat(json.get("loss_last").isNull()).isTrue();
    }

    private static TrainReport report(@Nullable Double loss, @Nullable Double accuracy) {
        return new TrainReport(
                "lenet",
                "drawn digits",
                2,
                "allreduce",
                List.of(List.of(0, 1)),
                "the replica of every rank",
                "ipc",
                16,
                1,
                0,
                10,
                0,
                1,
                320,
                2.5,
                128,
                loss,
                loss,
                accuracy,
                null,
                List.of("a".repeat(64), "a".repeat(64)),
                List.of(),
                List.of(1),
                List.of(3),
                List.of(5L, 1L << 40),
                List.of(0L, 7L),
                0,
                new TrainReport.Milliseconds(12, 20),
                new TrainReport.Milliseconds(3, 9),
                null);
    }
}
