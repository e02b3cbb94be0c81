package io.gyre.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.membership.Message.Expendable;
import io.gyre.membership.Message.Join;
import io.gyre.network.Time;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import org.junit.jupiter.api.Test;

/** The exchanges of a worker that was restarted, while ranks leave. */
class MembershipTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final List<Integer> EVERYBODY = List.of(0, 1, 2);
    private static final int CONNECTION = 9;

    /** Two workers, which are expendable, and a server. They have made one exchange, and the first worker is lost. */
    private final Played played = Played.complete(3);

    private final Wire wire = new Wire();
    private final Membership membership = new Membership(0, "the test", wire, wire, wire);

    MembershipTest() {
        played.receive(0, new Expendable(0));
        played.receive(1, new Expendable(1));
        for (int rank : EVERYBODY) {
            played.offer(rank, "step 0", "value " + rank);
        }
        played.disconnect(0);
    }

    /** The restarted worker's connection: what the coordinator sends arrives while the worker waits, one by one. */
    private final class Wire implements Uplink, Time {
        private final Queue<Message> inFlight = new ArrayDeque<>();
        private long now;
        private boolean silent;

        @Override
        public void send(Message message) {
            if (!silent) {
                played.receive(CONNECTION, message);
            }
        }

        @Override
        public long now() {
            return now;
        }

        @Override
        public void await(Object monitor, long nanos) {
            now += nanos;
            inFlight.addAll(played.take(CONNECTION));
            if (!inFlight.isEmpty()) {
                membership.received(inFlight.remove());
            }
        }

        @Override
        public void signal(Object monitor) {
            // One thread.
        }
    }

    private void restart() {
        played.connect(CONNECTION);
        membership.welcome(TIMEOUT);
        membership.join(
                new Join(Message.PROTOCOL_VERSION, 3, new Member(0, "host0", 999), Map.of("transport", "auto")));
        membership.ready(Map.of("at", "address9"));
        membership.awaitEverybody(TIMEOUT);
    }

    /** The server leaves, and the worker hears of it. */
    private void serverLeaves() {
        played.leave(2);
        BitSet server = new BitSet();
        server.set(2);
        membership.awaitDeparture(server, wire.now() + TIMEOUT.toNanos());
        assertThat(membership.hasLeft(2)).isTrue();
    }

    private List<String> exchange(String topic) {
        return membership.exchange(EVERYBODY, topic, "new".getBytes(StandardCharsets.UTF_8), TIMEOUT).stream()
                .map(value -> new String(value, StandardCharsets.UTF_8))
                .toList();
    }

    @Test
    void whoCatchesUpGetsTheValuesOfAnExchangeThatARankMadeBeforeItLeft() {
        restart();
        serverLeaves();

        assertThat(exchange("step 0")).containsExactly("value 0", "value 1", "value 2");
    }

    @Test
    void anExchangeFailsIfARankHasLeftWithoutMakingIt() {
        restart();
        exchange("step 0");
        serverLeaves();

        assertThatThrownBy(() -> exchange("step 1"))
                .isInstanceOfSatisfying(
                        PeerLostException.class, e -> assertThat(e.rank()).isEqualTo(2))
                .hasMessageContaining("has not made this call");
    }

    @Test
    void anExchangeFailsIfARankLeavesMeanwhile() {
        restart();
        exchange("step 0");
        played.leave(2);

        assertThatThrownBy(() -> exchange("step 1"))
                .isInstanceOfSatisfying(
                        PeerLostException.class, e -> assertThat(e.rank()).isEqualTo(2))
                .hasMessageContaining("has not made this call");
    }

    @Test
    void anExchangeThatTheCoordinatorDoesNotAnswerBlamesNobody() {
        restart();
        serverLeaves();
        wire.silent = true;

        assertThatThrownBy(() -> exchange("step 0"))
                .isInstanceOfSatisfying(
                        PeerTimeoutException.class, e -> assertThat(e.rank()).isEqualTo(-1));
    }
}
