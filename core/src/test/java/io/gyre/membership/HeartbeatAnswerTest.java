package io.gyre.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.Message.Join;
import io.gyre.network.Time;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** How processes answer the heartbeats of their coordinator, and of their usher. */
class HeartbeatAnswerTest {

    private static final Join JOIN = new Join(Message.PROTOCOL_VERSION, 2, new Member(0, "here", 1), Map.of());

    private final Clock clock = new Clock();
    private final List<Message> sent = new ArrayList<>();

    /** One thread, which does not wait. */
    private static final class Clock implements Time {
        private long now;

        @Override
        public long now() {
            return now;
        }

        @Override
        public void await(Object monitor, long nanos) {
            throw new AssertionError("nothing is waited for");
        }

        @Override
        public void signal(Object monitor) {
            // One thread.
        }
    }

    @Test
    void aRankSendsEachHeartbeatBackAtOnceAndNothingByItself() {
        Membership membership = new Membership(0, "the test", sent::add, clock, this);
        check(membership, membership::join);
        assertThat(membership.hasEnded()).isTrue();
    }

    @Test
    void aProcessWithSeatsSendsEachHeartbeatBackAtOnceAndNothingByItself() {
        Attendance attendance = new Attendance("the test", sent::add, clock, this);
        check(attendance, attendance::join);
        assertThat(attendance.mayComeAgain()).isTrue();
    }

    private void check(Downlink downlink, Consumer<Join> join) {
        join.accept(JOIN);
        assertThat(sent).containsExactly(JOIN);
        for (long number : new long[] {5, 6, 6, -1, Long.MAX_VALUE}) {
            sent.clear();
            pass(downlink, Duration.ofSeconds(10));
            assertThat(sent).isEmpty();
            downlink.received(new Heartbeat(number));
            assertThat(sent).containsExactly(new Heartbeat(number));
        }
        pass(downlink, SilenceLimits.DEFAULT.loss());
        assertThat(downlink.isDetached()).isFalse();
        pass(downlink, Coordinator.TICK);
        assertThat(downlink.isDetached()).as("a silent supervisor is lost").isTrue();
    }

    private void pass(Downlink downlink, Duration time) {
        for (Duration rest = time; !rest.isZero(); rest = rest.minus(Coordinator.TICK)) {
            clock.now += Coordinator.TICK.toNanos();
            downlink.tick();
        }
    }
}
