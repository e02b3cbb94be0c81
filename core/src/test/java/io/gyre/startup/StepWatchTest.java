package io.gyre.startup;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import io.gyre.session.Session;
import io.gyre.training.StepPhase;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** When the times of steps are judged, and by whom. */
@Timeout(60)
class StepWatchTest {

    private static final int ALL = StepWatch.NOT_MEASURED + StepWatch.MEASURED;

    private static List<String> lines(int ranks, boolean together, int steps) throws InterruptedException {
        List<String> lines = new CopyOnWriteArrayList<>();
        Gyre.local(ranks).run(session -> {
            StepWatch watch = new StepWatch(session, Facts.together(ranks, Facts.host("ant")), together, lines::add);
            // Ranks that are not in step may have less to do.
            int own = together || session.world().isRoot() ? steps : 3;
            for (int step = 0; step < own; step++) {
                take(watch, session, step);
            }
            session.exchange("the end", new byte[0]);
        });
        return lines;
    }

    private static void take(StepWatch watch, Session session, int step) {
        long now = System.nanoTime();
        watch.phaseEnded(step, StepPhase.BACKWARD, now, now);
        watch.stepEnded(step, SUMMARY, session.bytesSent());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theVerdictIsOneLineHoweverManyStepsFollow(boolean together) throws Exception {
        assertThat(lines(3, together, ALL + 20))
                .singleElement()
                .asString()
                .contains("after " + ALL + " steps", "limits this run");
    }

    @Test
    void aRunThatEndsEarlierGetsNone() throws Exception {
        assertThat(lines(2, true, ALL - 1)).isEmpty();
    }

    private static final StepSummary SUMMARY = new StepSummary(List.of(StepReport.of(4, 1, false)));
}
