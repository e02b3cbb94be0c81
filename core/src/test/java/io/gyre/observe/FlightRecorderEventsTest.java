package io.gyre.observe;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.network.Activity;
import io.gyre.training.Bucket;
import io.gyre.training.StepPhase;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a recording has of a step: written, and read back by the JDK's own reader. */
@Timeout(60)
class FlightRecorderEventsTest {

    @TempDir
    Path directory;

    @Test
    void aRecordingHasTheStepItsPhasesBucketsPushesWaitsAndStalls() throws IOException {
        Path file = directory.resolve("step.jfr");
        FlightRecorderEvents events = new FlightRecorderEvents();
        try (Recording recording = new Recording()) {
            recording.setMaxSize(1 << 20);
            for (String name : List.of("Step", "Phase", "BucketReduction", "Push", "Wait", "Stall")) {
                recording.enable("gyre." + name).withThreshold(Duration.ZERO);
            }
            recording.start();
            assertThat(FlightRecorderEvents.isInUse()).isTrue();
            events.trainingBegan(new World(1, 2), List.of());
            events.epochBegan(0, 3);
            events.phaseBegan(7, StepPhase.BACKWARD, 0);
            events.phaseEnded(7, StepPhase.BACKWARD, 0, 1);
            events.bucketReduced(7, new Bucket(2, 100, 50), 1_000, 3_500);
            Activity activity = new Activity();
            activity.begin("all-reduce (ring)", 7, 2, 2);
            events.waitEnded(activity, new Member(0, "ant", 12), 5, 1_000_005);
            events.pushed(7, 4);
            events.stalled(7, "the report");
            events.stepEnded(7, StepSummary.alone(StepReport.of(10, 0.25, false)), 1_234);
            recording.stop();
            recording.dump(file);
        }

        List<RecordedEvent> all = RecordingFile.readAllEvents(file);

        assertThat(all).filteredOn(each -> each.getInt("rank") != 1).isEmpty();
        assertThat(all).filteredOn(each -> each.getLong("step") != 7).isEmpty();
        RecordedEvent step = only(all, "gyre.Step");
        assertThat(step.getInt("epoch")).isEqualTo(3);
        assertThat(step.getLong("examples")).isEqualTo(10);
        assertThat(step.getDouble("loss")).isEqualTo(0.25);
        assertThat(step.getLong("bytesSent")).isEqualTo(1_234);
        RecordedEvent phase = only(all, "gyre.Phase");
        assertThat(phase.getString("phase")).isEqualTo("BACKWARD");
        assertThat(step.getStartTime()).isBeforeOrEqualTo(phase.getStartTime());
        assertThat(step.getEndTime()).isAfterOrEqualTo(phase.getEndTime());
        RecordedEvent bucket = only(all, "gyre.BucketReduction");
        assertThat(bucket.getInt("bucket")).isEqualTo(2);
        assertThat(bucket.getLong("elements")).isEqualTo(50);
        assertThat(bucket.getDuration("took")).isEqualTo(Duration.ofNanos(2_500));
        RecordedEvent wait = only(all, "gyre.Wait");
        assertThat(wait.getInt("awaitedRank")).isZero();
        assertThat(wait.getString("awaitedHost")).isEqualTo("ant");
        assertThat(wait.getString("operation")).isEqualTo("all-reduce (ring)");
        assertThat(wait.getDuration("took")).isEqualTo(Duration.ofMillis(1));
        assertThat(only(all, "gyre.Push").getLong("staleness")).isEqualTo(4);
        assertThat(only(all, "gyre.Stall").getString("report")).isEqualTo("the report");
    }

    private static RecordedEvent only(List<RecordedEvent> all, String name) {
        List<RecordedEvent> found = all.stream()
                .filter(each -> each.getEventType().getName().equals(name))
                .toList();
        assertThat(found).as(name).hasSize(1);
        return found.get(0);
    }
}
