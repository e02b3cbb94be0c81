package io.gyre.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.File;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The real kubectl, where it is installed, and a cluster that keeps what it is given. */
@Timeout(60)
class KubectlTest {

    private static final Duration LONG = Duration.ofSeconds(50);

    @TempDir
    private Path directory;

    private final Submission submission =
            new Submission("kubernetes", "digits", new Needs(4, 0, 0), Duration.ZERO, "example/gyre:1", "shared-data");
    private final StringWriter answer = new StringWriter();

    private int apply(FakeCluster cluster, String manifest) throws Exception {
        boolean installed = Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(each -> Files.isExecutable(Path.of(each, "kubectl")));
        assumeTrue(installed, "kubectl is not installed here");
        Path configuration = directory.resolve("config");
        cluster.describe(configuration, "team");
        List<String> command = List.of(
                "kubectl",
                "--kubeconfig",
                configuration.toString(),
                "--cache-dir",
                directory.resolve("cache").toString(),
                "apply",
                "-f",
                "-");
        return submission.answered(command, manifest, LONG, new PrintWriter(answer));
    }

    @Test
    void aJobOfTheQueueIsCreatedByKubectl() throws Exception {
        try (FakeCluster cluster = new FakeCluster()) {
            String manifest = submission.script(List.of("train", "lenet", "-n", "2", "--epochs", "3"));

            assertThat(apply(cluster, manifest)).as(answer.toString()).isZero();

            assertThat(answer.toString().lines()).containsExactly("service/digits created", "job.batch/digits created");
            assertThat(cluster.paths())
                    .containsExactly("/api/v1/namespaces/team/services", "/apis/batch/v1/namespaces/team/jobs");
            JsonNode job = cluster.created().get(1);
            assertThat(job.at("/spec/completions").asInt()).isEqualTo(2);
            JsonNode container = job.at("/spec/template/spec/containers/0");
            assertThat(container.at("/image").asText()).isEqualTo("example/gyre:1");
            assertThat(container.at("/args")).extracting(JsonNode::asText).contains("train", "lenet", "--epochs");
            assertThat(container.at("/resources/requests/cpu").asText()).isEqualTo("2");
        }
    }

    @Test
    void whatKubectlRefusesIsAFailureWithItsReason() throws Exception {
        try (FakeCluster cluster = new FakeCluster()) {
            String manifest =
                    submission.script(List.of("train", "lenet", "-n", "2")).replace("kind: Job", "kind:");

            assertThat(apply(cluster, manifest)).isEqualTo(1);

            assertThat(answer.toString()).contains("kind not set");
        }
    }
}
