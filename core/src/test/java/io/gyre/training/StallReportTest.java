package io.gyre.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.local.Gyre;
import io.gyre.network.Activity;
import io.gyre.session.Session;
import io.gyre.session.UserCode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Which stalls are reported, when, and how often; by a clock that the tests set. */
@Timeout(60)
class StallReportTest {

    private static final Duration LIMIT = Duration.ofSeconds(30);

    private final StepPlace place = new StepPlace();
    private final UserCode code = new UserCode();
    private final List<String> said = new ArrayList<>();
    private final List<Long> observed = new ArrayList<>();
    private long now = Long.MAX_VALUE - 5; // It may overflow.

    private interface Case {
        void run(StallReport report);
    }

    private void with(Case test) throws Exception {
        StepObserver observer = new StepObserver() {
            @Override
            public void stalled(long step, String report) {
                observed.add(step);
            }
        };
        Gyre.local(1)
                .run((Session session) -> test.run(new StallReport(
                        session, place, code, LIMIT, () -> now, said::add, new StepObservers(List.of(observer)))));
    }

    private void pass(StallReport report, long seconds) {
        for (long i = 0; i < seconds; i++) {
            now += TimeUnit.SECONDS.toNanos(1);
            report.look();
        }
    }

    @Test
    void aStallIsReportedOnceWithPhaseWaitAndStack() throws Exception {
        with(report -> {
            place.begin(16);
            report.look();
            pass(report, 10);
            place.stepEnded();
            place.enter(17, StepPhase.REDUCE);
            pass(report, 1);
            Activity activity = new Activity();
            activity.begin("all-reduce (ring)", 17, 3, 4);
            activity.waitingFor(new Member(2, "bee", 4711), 1);
            place.waitBegan(activity, now);

            pass(report, 29);
            assertThat(said).isEmpty();
            pass(report, 100);

            assertThat(said).hasSize(1);
            assertThat(said.get(0))
                    .contains("rank 0 (host")
                    .contains("has ended no step for 30 s. It is in step 17, in phase reduce since 30 s.")
                    .contains("It waits for rank 2 (host bee, pid 4711) in all-reduce (ring) of bucket 3, since 30 s.")
                    .contains("thread " + Thread.currentThread().getName())
                    .contains("at " + StallReportTest.class.getName());
            assertThat(observed).containsExactly(17L);
        });
    }

    @Test
    void whereTheProgramIsIsSaidInItsWords() throws Exception {
        with(report -> {
            place.begin(3);
            report.look();
            code.enter("the program's data iterator, for the batch", 3);
            pass(report, 31);

            assertThat(said).hasSize(1);
            assertThat(said.get(0))
                    .contains("in step 3, in phase load since 30 s, in the program's data iterator, for the batch of"
                            + " step 3. It waits for no other rank.");
        });
    }

    @Test
    void slowStepsAreReportedAFewTimesAndNotEach() throws Exception {
        with(report -> {
            place.begin(0);
            report.look();
            for (int step = 0; step < 100; step++) {
                place.enter(step, StepPhase.BACKWARD);
                pass(report, 40);
                place.stepEnded();
            }
            pass(report, 1);

            assertThat(said).hasSize(2);
            assertThat(said.get(1)).contains("goes on after 41 s; steps are reported again if they take 82 s");
        });
    }

    @Test
    void betweenCallsNothingIsReported() throws Exception {
        with(report -> {
            pass(report, 1_000);
            place.begin(5);
            pass(report, 30);
            place.leave();
            pass(report, 1_000);
            place.begin(6);
            pass(report, 30);

            assertThat(said).isEmpty();
            pass(report, 1);
            assertThat(said).hasSize(1);
        });
    }
}
