package io.gyre.observe;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import io.gyre.training.StepPhase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A timeline of a run with seats goes on when its processes change. */
@Timeout(60)
class GenerationTimelineTest {

    @TempDir
    private Path directory;

    private Path file;

    /** A generation of two ranks, of which rank 1 takes one step. */
    private void generation(int number, boolean last) throws Exception {
        file = directory.resolve("trace.json");
        Gyre.local(2).run(session -> {
            Timeline timeline = Timeline.beginGeneration(session, file, number);
            long now = System.nanoTime();
            session.exchange("check", new byte[0]);
            timeline.phaseEnded(number, StepPhase.CHECK, now, System.nanoTime());
            boolean killed = !last && session.world().rank() == 1;
            if (!killed) {
                timeline.trainingEnded();
            }
            if (last && session.world().isRoot()) {
                timeline.mergeGenerations();
            }
        });
    }

    @Test
    void theGenerationsAreMergedInOrderAndARankHasOneTrack() throws Exception {
        generation(1, false);
        generation(2, true);

        String json = Files.readString(file);
        assertThat(json)
                .contains("generation 1, ranks [1]", "generation 2, ranks [0]", "not complete")
                .containsOnlyOnce("\"name\":\"rank 1 (");
        assertThat(at(json, 1)).isLessThan(at(json, 2));
        assertThat(directory.toFile().list()).containsExactly("trace.json");
    }

    private static double at(String json, int step) {
        Matcher found = Pattern.compile("\"name\":\"check\",\"pid\":0,\"tid\":1,\"ts\":([\\d.]+),\"dur\":[\\d.]+,"
                        + "\"args\":\\{\"step\":" + step + "[,}]")
                .matcher(json);
        assertThat(found.find()).as(json).isTrue();
        return Double.parseDouble(found.group(1));
    }

    @Test
    void whatAnEarlierRunHasLeftIsNotInTheTimelineOfTheNext() throws Exception {
        generation(1, false);
        generation(2, false);
        generation(3, false);

        generation(1, true);

        assertThat(Files.readString(file)).contains("generation 1").doesNotContain("generation 2", "generation 3");
        assertThat(directory.toFile().list()).containsExactly("trace.json");
    }
}
