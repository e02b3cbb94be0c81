package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Batch jobs that SLURM ends and starts again go on where they were, and end with the bits of a run that was left
 * alone. Skipped, with the reason, where there is no SLURM.
 */
@EnabledOnOs(OS.LINUX)
@Tag("processes")
class SlurmJobsTest {

    /** Many and small ones: SLURM has to meet a job in the middle. */
    private static final int STEPS = 60;

    private static final int BATCH = 8;

    private static final Pattern STOPPED = Pattern.compile("stopped after step ([\\d,]+) of");

    @TempDir
    private static Path shared;

    private static SlurmCluster cluster;
    private static JsonNode ours;

    @TempDir
    private Path directory;

    @BeforeAll
    static void startSlurmAndTrainByOurs() throws Exception {
        SlurmCluster.obstacle().ifPresent(reason -> {
            System.out.println("skipped: " + reason);
            assumeTrue(false, reason);
        });
        cluster = SlurmCluster.open(Files.createDirectory(shared.resolve("slurm")));
        try (GyreTrain train =
                GyreTrain.startAs(Map.of("GYRE_JOIN_TIMEOUT", "300"), shared, Digits.train(STEPS, BATCH, "-n", "4"))) {
            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();
            ours = train.report();
        }
    }

    @AfterAll
    static void stopSlurm() {
        if (cluster != null) {
            cluster.close();
        }
    }

    private SlurmJob submit() throws Exception {
        return SlurmJob.submit(
                cluster,
                directory,
                Digits.train(STEPS, BATCH, "--checkpoint", "checkpoints", "--checkpoint-steps", "5", "--resume"));
    }

    private static void assertEndedAsOurs(SlurmJob job) throws Exception {
        assertThat(job.report().get("parameters_sha256")).isEqualTo(ours.get("parameters_sha256"));
    }

    /** It lost nothing: the second attempt began with the step at which the first had stopped. */
    private static void assertStartedAgainWhereItStopped(SlurmJob job) {
        assertThat(job.restarts()).isEqualTo(1);
        Matcher stopped = STOPPED.matcher(job.printed());
        assertThat(stopped.find()).as(job.printed()).isTrue();
        assertThat(Integer.parseInt(stopped.group(1).replace(",", ""))).isLessThan(STEPS);
        assertThat(job.printed())
                .contains("resumed from step " + stopped.group(1).replace(",", "") + ",");
    }

    @Test
    void aJobWhoseRankIsKilledFailsAndTheNextOneGoesOn() throws Exception {
        try (SlurmJob job = submit()) {
            job.awaitPrinted("step [\\d,]+ of");
            List<Long> pids = job.pids();
            GyreTrain.kill(job.pid(2));

            job.awaitState("FAILED");
            job.awaitNothingLeft(pids);
            assertThat(job.restarts()).isZero();
        }
        try (SlurmJob next = submit()) {
            next.awaitState("COMPLETED");

            assertEndedAsOurs(next);
        }
    }

    @Test
    void aJobOfTheQueueIsSubmittedAndTrains() throws Exception {
        try (SlurmJob job = SlurmJob.queue(cluster, directory, Digits.train(STEPS, BATCH))) {
            job.awaitState("COMPLETED");

            assertThat(job.report().get("parameters_sha256")).hasSize(2);
            assertThat(job.report().get("steps").asInt()).isEqualTo(STEPS);
        }
    }

    @Test
    void aJobThatIsRequeuedGoesOn() throws Exception {
        try (SlurmJob job = submit()) {
            job.awaitPrinted("step [\\d,]+ of");
            List<Long> pids = job.pids();
            assertThat(cluster.output("scontrol", "requeue", job.id())).isEmpty();
            job.awaitState("PENDING");
            job.awaitNothingLeft(pids);
            job.awaitState("COMPLETED");

            assertEndedAsOurs(job);
            assertStartedAgainWhereItStopped(job);
        }
    }

    @Test
    void aJobThatIsPreemptedGoesOn() throws Exception {
        try (SlurmJob job = submit()) {
            job.awaitPrinted("step [\\d,]+ of");
            List<Long> pids = job.pids();
            String urgent = cluster.output("srun", "--partition=urgent", "-N2", "-n2", "--exclusive", "true");
            assertThat(urgent).doesNotContain("error");
            job.awaitNothingLeft(pids);
            job.awaitState("COMPLETED");

            assertEndedAsOurs(job);
            assertStartedAgainWhereItStopped(job);
        }
    }
}
