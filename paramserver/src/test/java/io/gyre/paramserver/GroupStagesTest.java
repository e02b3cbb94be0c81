package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.local.Gyre;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Leads that wait for each other, of which one may be lost. */
@Timeout(60)
class GroupStagesTest {

    private static final byte[] NOTHING = {};
    private static final Duration LONG = Duration.ofMinutes(5);

    private static GroupStages stages(ParameterService service, Duration patience, AtomicLong now) {
        return new GroupStages(service.workers(), service.numberOfEachLead("stage"), patience, now::get);
    }

    /** What a lead does. */
    @FunctionalInterface
    private interface Part {
        void of(Session session, ParameterService service) throws Exception;
    }

    private static void run(Part part) throws Exception {
        Gyre.local(3).run(session -> {
            try (ParameterService service =
                    ParameterService.builder(session).servers(1).groups(2).start()) {
                if (service.isServer()) {
                    service.serve();
                } else {
                    part.of(session, service);
                }
            }
        });
    }

    @Test
    void groupsWaitUntilAllHaveComeToAStage() throws Exception {
        AtomicInteger come = new AtomicInteger();
        CountDownLatch firstWaits = new CountDownLatch(1);
        run((session, service) -> {
            GroupStages stages = stages(service, LONG, new AtomicLong());
            stages.meet(GroupStages.beginOf(0), "the beginning", () -> {});
            if (session.world().rank() == 1) {
                firstWaits.await();
                assertThat(come).hasValue(1);
                come.incrementAndGet();
                // Past what the other waits for.
                stages.meet(GroupStages.left(), "the departure", () -> {});
            } else {
                come.incrementAndGet();
                stages.meet(GroupStages.endOf(0), "the end", firstWaits::countDown);
                assertThat(come).hasValue(2);
                stages.meet(GroupStages.left(), "the departure", () -> {});
            }
            assertThat(stages.lost()).isEmpty();
            session.exchange(List.of(0, 1), "end", NOTHING);
        });
    }

    /** The exchange of a session would end at once. */
    @Test
    void aGroupWithoutALeadIsWaitedForUntilItCountsAsLost() throws Exception {
        AtomicLong now = new AtomicLong();
        AtomicInteger looks = new AtomicInteger();
        run((session, service) -> {
            GroupStages stages = stages(service, Duration.ofNanos(1000), now);
            service.outliveThis();
            session.exchange(List.of(0, 1), "both may be lost", NOTHING);
            if (session.world().rank() == 1) {
                session.fail("planned");
                service.abandon();
                return;
            }
            stages.meet(GroupStages.endOf(3), "the end", () -> {
                if (session.hasEnded(1)) {
                    assertThat(stages.lost()).isEmpty();
                    now.addAndGet(100);
                    looks.incrementAndGet();
                }
            });
            assertThat(stages.lost()).containsExactly(1);
            assertThat(looks.get()).isGreaterThanOrEqualTo(10);
            // It is not waited for again.
            stages.meet(GroupStages.left(), "the departure", () -> {
                throw new AssertionError("it waits");
            });
        });
    }

    @Test
    void aGroupThatCannotWaitAnyLongerFails() throws Exception {
        run((session, service) -> {
            GroupStages stages = stages(service, LONG, new AtomicLong());
            if (session.world().rank() == 0) {
                assertThatThrownBy(() -> stages.meet(GroupStages.beginOf(0), "the beginning", () -> {
                            throw new IllegalStateException("its own group has lost a rank");
                        }))
                        .hasMessage("its own group has lost a rank");
            }
            session.exchange(List.of(0, 1), "end", NOTHING);
        });
    }
}
