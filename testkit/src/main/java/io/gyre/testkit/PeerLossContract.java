package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.testkit.BlockingEndpoint.Message;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** The contract of a network's waits: what they do when a peer fails, leaves or is silent. */
abstract class PeerLossContract extends SessionContract {

    @Test
    void aRankThatFailsEndsTheWaitsOfAllOthersAndIsNamed() {
        Map<Integer, PeerLostException> seen = new ConcurrentHashMap<>();

        assertThatThrownBy(() -> cluster(3).run(session -> {
                    int own = session.world().rank();
                    BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
                    if (own == 1) {
                        throw new IllegalStateException("no more of this");
                    }
                    int innocent = 2 - own;
                    seen.put(own, catchThrowableOfType(PeerLostException.class, () -> endpoint.receive(innocent)));
                }))
                .isInstanceOf(GyreException.class)
                .hasRootCauseMessage("no more of this");
        assertThat(seen).containsOnlyKeys(0, 2);
        assertThat(seen.values()).allSatisfy(lost -> {
            assertThat(lost.rank()).isEqualTo(1);
            assertThat(lost).hasMessageContaining("no more of this").hasMessageContaining("step 5");
        });
    }

    @Test
    void aRankThatAsksToFailIsNamedWithItsReason() throws Exception {
        CountDownLatch noticed = new CountDownLatch(1);

        cluster(2).run(session -> {
            if (session.world().isRoot()) {
                session.fail("the disk is full");
                await(noticed);
            } else {
                BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
                PeerLostException lost = catchThrowableOfType(PeerLostException.class, () -> endpoint.receive(0));
                noticed.countDown();
                assertThat(lost.rank()).isZero();
                assertThat(lost).hasMessageContaining("the disk is full");
            }
        });
    }

    @Test
    void whatARankSentBeforeItLeftStillArrivesAndThenItsAbsenceIsNoticed() throws Exception {
        CountDownLatch leaving = new CountDownLatch(1);

        cluster(2).run(session -> {
            BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
            if (session.world().isRoot()) {
                for (int i = 0; i < 5; i++) {
                    endpoint.send(1, Message.of(i, new byte[1000]));
                }
                endpoint.flush();
                leaving.countDown();
            } else {
                await(leaving);
                for (int i = 0; i < 5; i++) {
                    assertThat(endpoint.receive(0).bucket()).isEqualTo(i);
                }
                assertThatThrownBy(() -> endpoint.receive(0))
                        .isInstanceOfSatisfying(
                                PeerLostException.class,
                                lost -> assertThat(lost.rank()).isZero());
            }
        });
    }

    @Test
    void aSilentPeerIsNamedAfterThePeerTimeout() throws Exception {
        CountDownLatch noticed = new CountDownLatch(1);

        cluster(2).withPeerTimeout(shortTimeout()).run(session -> {
            if (session.world().isRoot()) {
                BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
                PeerTimeoutException timeout =
                        catchThrowableOfType(PeerTimeoutException.class, () -> endpoint.receive(1));
                noticed.countDown();
                assertThat(timeout.rank()).isEqualTo(1);
                assertThat(timeout)
                        .hasMessageContaining(session.members().get(1).toString())
                        .hasMessageContaining(shortTimeout().toMillis() + " ms")
                        .hasMessageContaining("waiting for a message of bucket 7, step 5");
            } else {
                await(noticed);
            }
        });
    }

    @Test
    void anInterruptedRankStopsWaiting() throws Exception {
        CountDownLatch noticed = new CountDownLatch(1);

        cluster(2).run(session -> {
            if (session.world().isRoot()) {
                Thread.currentThread().interrupt();
                BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
                assertThatThrownBy(() -> endpoint.receive(1))
                        .isInstanceOf(GyreException.class)
                        .hasMessageContaining("interrupted");
                assertThat(Thread.interrupted())
                        .as("the interrupt is still set")
                        .isTrue();
                noticed.countDown();
            } else {
                await(noticed);
            }
        });
    }
}
