package io.gyre.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.local.Gyre;
import io.gyre.network.Activity;
import io.gyre.session.Session;
import io.gyre.training.Bucket;
import io.gyre.training.StepObserver;
import io.gyre.training.StepPhase;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One clock for ranks whose own differ by seconds and run at different speeds. */
@Timeout(60)
class TimelineTest {

    private static final int RANKS = 4;
    private static final int STEPS = 40;
    private static final Pattern BUCKET = Pattern.compile(
            "\\{\"ph\":\"X\",\"name\":\"bucket 0\",\"pid\":(\\d+),\"tid\":2,\"ts\":([\\d.]+),\"dur\":([\\d.]+),"
                    + "\"args\":\\{\"step\":(\\d+),.*");

    @TempDir
    Path directory;

    private final long origin = System.nanoTime();

    /** A rank's clock: each begins elsewhere, and runs up to 60 millionths faster than that of rank 0. */
    private long skewed(int rank, long nanos) {
        long elapsed = nanos - origin;
        return 1_000_000_000L * (17 - 5L * rank * rank) + elapsed + elapsed * 20 * rank / 1_000_000;
    }

    /** A step: an exchange stands for the reduction of a bucket, and another for the check. */
    private void step(Session session, StepObserver timeline, int step, Map<String, long[]> truth) {
        int rank = session.world().rank();
        long begin = System.nanoTime();
        session.exchange("bucket", new byte[0]);
        long reduced = System.nanoTime();
        session.exchange("check", new byte[0]);
        long end = System.nanoTime();
        truth.put(rank + " " + step, new long[] {begin, reduced});
        long skewedReduced = skewed(rank, reduced);
        timeline.bucketReduced(step, new Bucket(0, 0, 9), skewed(rank, begin), skewedReduced);
        timeline.phaseEnded(step, StepPhase.REDUCE, skewed(rank, begin), skewedReduced);
        timeline.phaseEnded(step, StepPhase.CHECK, skewedReduced, skewed(rank, end));
        timeline.stepEnded(step, StepSummary.alone(StepReport.of(1, step == 3 ? Double.NaN : 0.5, false)), 0);
    }

    private Path trainedBy(int ranks, Map<String, long[]> truth) throws Exception {
        Path file = directory.resolve("trace.json");
        Gyre.local(ranks).run(session -> {
            int rank = session.world().rank();
            Timeline timeline = Timeline.begin(session, file, () -> skewed(rank, System.nanoTime()), 10);
            for (int step = 0; step < STEPS; step++) {
                step(session, timeline, step, truth);
            }
            timeline.trainingEnded();
            timeline.trainingEnded();
        });
        return file;
    }

    private static double errorOf(String json, int rank) {
        Matcher found = Pattern.compile("\"errors_us\":\\{.*?\"" + rank + "\":([\\d.]+)")
                .matcher(json);
        assertThat(found.find()).isTrue();
        return Double.parseDouble(found.group(1));
    }

    @Test
    void theSameAllReduceIsSeenAtAllRanksWithinTheStatedError() throws Exception {
        Map<String, long[]> truth = new ConcurrentHashMap<>();

        String json = Files.readString(trainedBy(RANKS, truth));

        Map<String, double[]> seen = new ConcurrentHashMap<>();
        json.lines().map(BUCKET::matcher).filter(Matcher::matches).forEach(each -> {
            double begin = Double.parseDouble(each.group(2));
            double end = begin + Double.parseDouble(each.group(3));
            seen.put(each.group(1) + " " + each.group(4), new double[] {begin, end});
        });
        assertThat(seen).hasSize(RANKS * STEPS);
        double worst = 0;
        for (int step = 0; step < STEPS; step++) {
            double root = seen.get("0 " + step)[0];
            long trueRoot = truth.get("0 " + step)[0];
            double lastBegin = 0;
            double firstEnd = Double.MAX_VALUE;
            for (int rank = 0; rank < RANKS; rank++) {
                double error = errorOf(json, rank);
                double here = seen.get(rank + " " + step)[0];
                double wrongBy = Math.abs(here - root - (truth.get(rank + " " + step)[0] - trueRoot) / 1e3);
                worst = Math.max(worst, wrongBy);
                assertThat(wrongBy)
                        .as("error of rank %d in step %d, us", rank, step)
                        .isLessThanOrEqualTo(error + 0.002);
                lastBegin = Math.max(lastBegin, here - error);
                firstEnd = Math.min(firstEnd, seen.get(rank + " " + step)[1] + error);
            }
            assertThat(lastBegin).as("all are in it at once").isLessThanOrEqualTo(firstEnd);
        }
        System.out.printf(
                "stated errors of ranks 1 to 3: %.1f, %.1f, %.1f us; greatest found: %.1f us%n",
                errorOf(json, 1), errorOf(json, 2), errorOf(json, 3), worst);
        // Clocks that begin seconds apart are not equal by chance.
        assertThat(errorOf(json, 3)).isLessThan(1e6);
        assertThat(directory).isDirectoryContaining(path -> path.equals(directory.resolve("trace.json")));
        assertThat(directory.toFile().list()).containsExactly("trace.json");
    }

    @Test
    void theFileIsBalancedJsonOfKnownEventsAndALossThatIsNoneIsAnEvent() throws Exception {
        String json = Files.readString(trainedBy(2, new ConcurrentHashMap<>()));

        assertThat(json).startsWith("{\"otherData\"").endsWith("]}\n").doesNotContain(":NaN", "displayTimeUnit");
        List<String> events =
                json.lines().skip(2).filter(line -> line.startsWith("{")).toList();
        assertThat(events).allSatisfy(line -> {
            String event = line.endsWith(",") ? line.substring(0, line.length() - 1) : line;
            assertThat(event.chars().filter(c -> c == '{').count())
                    .isEqualTo(event.chars().filter(c -> c == '}').count());
            assertThat(event).matches("\\{\"ph\":\"[MXCi]\".*\"pid\":[01].*}");
        });
        assertThat(json).contains("\"name\":\"loss NaN\"", "\"name\":\"check\"", "\"name\":\"rank 1 (");
    }

    private Timeline alone(Session session, int blocks) {
        return Timeline.begin(session, directory.resolve("t.json"), System::nanoTime, blocks);
    }

    @Test
    void aRunThatDiesLeavesPartsThatCanBeMerged() throws Exception {
        Gyre.local(1).run(session -> {
            Timeline timeline = alone(session, 2);
            timeline.phaseEnded(0, StepPhase.BACKWARD, 1, 2_000_000_001L);
            Activity activity = new Activity();
            activity.begin("all-reduce (ring)", 0, 3, 1);
            timeline.waitEnded(activity, new Member(7, "bee", 1), 5, 1_005);
            timeline.stepEnded(0, StepSummary.alone(StepReport.of(1, 0.25, false)), 0);
        });

        TimelineMerge.Result result = TimelineMerge.mergeDirectory(directory);

        assertThat(result.events()).isEqualTo(3);
        assertThat(Files.readString(result.file()))
                .contains(
                        "not complete",
                        "\"name\":\"backward\",\"pid\":0,\"tid\":1,\"ts\":0.000,\"dur\":2000000.000",
                        "\"name\":\"wait for rank 7\"",
                        "\"ts\":0.004,\"dur\":1.000,\"args\":{\"step\":0,\"bucket\":3,",
                        "\"operation\":\"all-reduce (ring)\"}",
                        "\"name\":\"loss\",\"pid\":0,\"tid\":1,\"ts\":2000000.000,\"args\":{\"value\":0.25}");
    }

    @Test
    void newEventsReplaceTheOldestAndTheFileStaysAsLargeAsItMay() throws Exception {
        int records = TimelinePart.BLOCK_RECORDS;
        Gyre.local(1).run(session -> {
            Timeline timeline = alone(session, 3);
            for (int step = 0; step < 7 * records + 10; step++) {
                timeline.phaseEnded(step, StepPhase.BACKWARD, step, step + 1);
            }
            timeline.phaseEnded(1_000_000, StepPhase.CHECK, 0, 2_000_000_000);
            timeline.stepEnded(1_000_000, StepSummary.alone(StepReport.of(0, 0, false)), 0);
        });
        Path part = directory.resolve("t.json.rank-0.part");
        List<Long> steps = new ArrayList<>();

        TimelineEvents events = new TimelineEvents(part);
        events.readAll(event -> {
            if (event.kind() == TimelineEvents.PHASE) {
                steps.add(event.step());
            }
        });

        assertThat(Files.size(part))
                .isLessThanOrEqualTo(TimelinePart.HEADER_BYTES + 3L * records * TimelinePart.RECORD_BYTES);
        assertThat(events.lost).isPositive();
        assertThat(steps).hasSizeGreaterThan(records).endsWith(7L * records + 9, 1_000_000L);
        // Nothing is missing in between.
        assertThat(steps.get(steps.size() - 2) - steps.get(0)).isEqualTo(steps.size() - 2L);
    }

    @Test
    void whatIsNoTimelineIsNamed() throws IOException {
        assertThatThrownBy(() -> TimelineMerge.mergeDirectory(directory))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("no parts of a timeline");
        Path part = directory.resolve("x.rank-1.part");
        Files.writeString(part, "something else ".repeat(100));
        assertThatThrownBy(() -> TimelineMerge.mergeDirectory(directory))
                .isInstanceOf(GyreException.class)
                .hasMessageContainingAll(part.toString(), "is not a part of a timeline");
        new TimelinePart(part, 1, 2, 12, "ant", 0, 1).close();
        assertThatThrownBy(() -> TimelineMerge.mergeDirectory(directory))
                .isInstanceOf(GyreException.class)
                .hasMessageContainingAll("the part of rank 0", part.toString());
        new TimelinePart(directory.resolve("x.rank-0.part"), 0, 2, 11, "ant", 0, 1).close();
        assertThat(TimelineMerge.mergeDirectory(directory).withoutClock()).containsExactly(1);
        new TimelinePart(directory.resolve("y.rank-0.part"), 0, 2, 11, "ant", 0, 1).close();
        assertThatThrownBy(() -> TimelineMerge.mergeDirectory(directory))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("rank 0 has two parts");
    }
}
