package io.gyre.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.World;
import io.gyre.network.Activity;
import io.gyre.training.Bucket;
import io.gyre.training.StepPhase;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What Prometheus reads after two steps of rank 1. */
@Timeout(60)
class TrainingMetricsTest {

    private static final List<Member> MEMBERS = List.of(new Member(0, "ant", 1), new Member(1, "ant", 2));

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final TrainingMetrics metrics = new TrainingMetrics(registry);

    private void takeTwoSteps() {
        Activity activity = new Activity();
        activity.begin("all-reduce (ring)", 0, 0, 2);
        // Before the trainer is ready.
        metrics.waitEnded(activity, MEMBERS.get(0), 0, 1_000_000_000);
        metrics.trainingBegan(new World(1, 2), MEMBERS);
        metrics.epochBegan(0, 2);
        for (int step = 0; step < 2; step++) {
            long begin = step * 10_000_000_000L;
            metrics.phaseBegan(step, StepPhase.LOAD, begin);
            metrics.phaseEnded(step, StepPhase.LOAD, begin, begin + 250_000_000);
            metrics.phaseBegan(step, StepPhase.REDUCE, begin + 250_000_000);
            metrics.bucketReduced(step, new Bucket(0, 0, 10), begin, begin + 500_000_000);
            metrics.waitEnded(activity, MEMBERS.get(0), begin, begin + 125_000_000);
            metrics.phaseEnded(step, StepPhase.REDUCE, begin + 250_000_000, begin + 1_250_000_000);
            metrics.pushed(step, step * 3L);
            metrics.stepEnded(
                    step,
                    new StepSummary(List.of(StepReport.of(4, 1.5, false), StepReport.of(4, 0.5 - step, false))),
                    1_000L + step);
        }
        metrics.memoryUsed(1, 1 << 20, 1 << 21);
        metrics.memberEnded(1, MEMBERS.get(0));
        metrics.stalled(1, "report");
        // A step without examples is no step of the meters.
        metrics.stepEnded(2, new StepSummary(List.of(StepReport.of(0, 0, false))), 1_002);
    }

    @Test
    void namesFollowTheConventionsAndValuesTheSteps() {
        takeTwoSteps();

        assertThat(registry.scrape().lines())
                .contains(
                        "gyre_step_duration_seconds_count{rank=\"1\"} 2",
                        "gyre_step_duration_seconds_sum{rank=\"1\"} 2.5",
                        "gyre_phase_duration_seconds_sum{phase=\"load\",rank=\"1\"} 0.5",
                        "gyre_phase_duration_seconds_count{phase=\"reduce\",rank=\"1\"} 2",
                        "gyre_bucket_reduction_duration_seconds_sum{rank=\"1\"} 1.0",
                        "gyre_wait_duration_seconds_sum{awaited=\"0\",rank=\"1\"} 0.25",
                        "gyre_examples_total{rank=\"1\"} 16.0",
                        "gyre_steps_skipped_total{rank=\"1\"} 0.0",
                        "gyre_sent_bytes_total{rank=\"1\"} 1002.0",
                        "gyre_loss{rank=\"1\"} 0.5",
                        "gyre_epoch{rank=\"1\"} 2.0",
                        "gyre_step{rank=\"1\"} 1.0",
                        "gyre_heap_used_bytes{rank=\"1\"} 1048576.0",
                        "gyre_memory_resident_bytes{rank=\"1\"} 2097152.0",
                        "gyre_members_ended_total{rank=\"1\"} 1.0",
                        "gyre_members_returned_total{rank=\"1\"} 0.0",
                        "gyre_stalls_total{rank=\"1\"} 1.0",
                        "gyre_failures_total{rank=\"1\"} 0.0",
                        "gyre_staleness_steps_bucket{rank=\"1\",le=\"0.5\"} 1",
                        "gyre_staleness_steps_bucket{rank=\"1\",le=\"2.0\"} 1",
                        "gyre_staleness_steps_bucket{rank=\"1\",le=\"3.0\"} 2",
                        "gyre_staleness_steps_sum{rank=\"1\"} 3.0");
    }

    private static HttpResponse<String> ask(int port, String method, String path)
            throws IOException, InterruptedException {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                                .method(method, BodyPublishers.noBody())
                                .build(),
                        BodyHandlers.ofString());
    }

    @Test
    void theEndpointServesThemToReadersOnly() throws Exception {
        takeTwoSteps();
        try (MetricsEndpoint endpoint = MetricsEndpoint.open(registry, 0)) {
            HttpResponse<String> answer = ask(endpoint.port(), "GET", "/metrics");

            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.headers().firstValue("Content-Type"))
                    .hasValue("text/plain; version=0.0.4; charset=utf-8");
            assertThat(answer.body().lines()).contains("gyre_examples_total{rank=\"1\"} 16.0");
            assertThat(ask(endpoint.port(), "POST", "/metrics").statusCode()).isEqualTo(405);
            assertThat(ask(endpoint.port(), "GET", "/metricsx").statusCode()).isEqualTo(404);
            assertThat(ask(endpoint.port(), "GET", "/").statusCode()).isEqualTo(404);
        }
    }

    @Test
    void aPortInUseIsNamedAndClosingTwiceDoesNothing() {
        MetricsEndpoint endpoint = MetricsEndpoint.open(registry, 0);
        int port = endpoint.port();

        assertThatThrownBy(() -> MetricsEndpoint.open(registry, port))
                .isInstanceOf(GyreException.class)
                .hasMessageContainingAll("port " + port, "Choose a free port");
        endpoint.close();
        endpoint.close();
        MetricsEndpoint.open(registry, port).close();
    }
}
