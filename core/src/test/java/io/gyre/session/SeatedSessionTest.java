package io.gyre.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.gyre.DisagreementException;
import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SeatedSessionTest {

    private static final List<List<Integer>> CROSSED = List.of(List.of(0, 3, 5), List.of(1), List.of(2, 4));
    private static final byte[] NOTHING = {};

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static List<String> texts(List<byte[]> values) {
        return values.stream()
                .map(value -> new String(value, StandardCharsets.UTF_8))
                .toList();
    }

    @Test
    void aProcessSeesTheRunAsItsLowestRank() throws Exception {
        List<String> seen = Gyre.local(6)
                .seats(CROSSED)
                .call(session -> session.world() + " with "
                        + session.seats().stream()
                                .map(seat -> seat.world().rank())
                                .toList() + " leads "
                        + session.seating().leads() + " as " + session.ofLeads().world());

        assertThat(seen)
                .containsExactly(
                        "World[rank=0, size=6] with [0, 3, 5] leads [0, 1, 2] as World[rank=0, size=3]",
                        "World[rank=1, size=6] with [1] leads [0, 1, 2] as World[rank=1, size=3]",
                        "World[rank=2, size=6] with [2, 4] leads [0, 1, 2] as World[rank=2, size=3]");
    }

    @Test
    void aPlainSessionIsItsOwnLead() throws Exception {
        Gyre.local(2).run(session -> {
            assertThat(session.seats()).containsExactly(session);
            assertThat(session.ofLeads()).isSameAs(session);
            assertThat(session.seating().members()).containsExactly(List.of(0), List.of(1));
            List<Integer> called = new ArrayList<>();
            session.onSeats(called::add);
            assertThat(called).containsExactly(0);
        });
    }

    @Test
    void anExchangeHasAValueOfEachRank() throws Exception {
        Gyre.local(6).seats(CROSSED).run(session -> {
            String own = "process of " + session.world().rank();
            assertThat(texts(session.exchange("one value", bytes(own))))
                    .containsExactly(
                            "process of 0",
                            "process of 1",
                            "process of 2",
                            "process of 0",
                            "process of 2",
                            "process of 0");
            List<byte[]> ofSeats = session.seats().stream()
                    .map(seat -> bytes("rank " + seat.world().rank()))
                    .toList();
            assertThat(texts(session.exchange("a value of each", ofSeats)))
                    .containsExactly("rank 0", "rank 1", "rank 2", "rank 3", "rank 4", "rank 5");
            assertThat(texts(session.ofLeads().exchange("leads", bytes(own))))
                    .containsExactly("process of 0", "process of 1", "process of 2");
        });
    }

    @Test
    void anExchangeOfSomeRanksIsThatOfTheirProcesses() throws Exception {
        List<Integer> some = List.of(1, 3, 5);

        Gyre.local(6).seats(CROSSED).run(session -> {
            if (session.world().rank() != 2) {
                assertThat(texts(session.exchange(
                                some, "some", bytes("from " + session.world().rank()))))
                        .containsExactly("from 1", "from 0", "from 0");
            }
        });
    }

    @Test
    void processesThatDisagreeAreNamed() {
        assertThatThrownBy(() -> Gyre.local(6)
                        .seats(CROSSED)
                        .run(session -> session.agree(
                                "options", Map.of("size", session.world().rank() == 2 ? "2" : "1"))))
                .hasCauseInstanceOf(DisagreementException.class)
                .hasMessageContaining("'1' on rank 0")
                .hasMessageContaining("'2' on rank 2");
    }

    @Test
    void everySeatAttests() {
        assertThatThrownBy(() -> Gyre.local(3).processes(2).run(session -> {
                    session.attest("data", "of " + session.world().rank(), "Look.");
                    session.exchange("after it", NOTHING);
                }))
                .hasMessageContaining("data");
    }

    @Test
    void workOfSeatsRunsAtTheSameTime() throws Exception {
        Gyre.local(4).processes(1).run(session -> {
            CyclicBarrier all = new CyclicBarrier(4);
            for (int round = 0; round < 100; round++) {
                session.onSeats(seat -> await(all));
            }
            assertThat(all.isBroken()).isFalse();
        });
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** Without that, the other seats would wait for it until the peer timeout. */
    @Test
    void aSeatThatFailsEndsTheOthersAndTheRun() {
        AtomicReference<Throwable> elsewhere = new AtomicReference<>();

        Throwable thrown = catchThrowable(() -> Gyre.local(4)
                .withPeerTimeout(Duration.ofMinutes(5))
                .seats(List.of(List.of(0, 1, 2), List.of(3)))
                .run(session -> {
                    if (session.world().rank() == 3) {
                        elsewhere.set(catchThrowable(() -> session.exchange("never", NOTHING)));
                        return;
                    }
                    session.onSeats(seat -> {
                        if (seat == 1) {
                            throw new IllegalStateException("planned");
                        }
                        session.seats().get(seat).exchange("never", NOTHING);
                    });
                }));

        assertThat(thrown).hasRootCauseMessage("planned");
        assertThat(elsewhere.get()).isInstanceOf(PeerLostException.class).hasMessageContaining("planned");
    }

    @Test
    void badArgumentsDoNotEndTheRun() throws Exception {
        byte[] tooLong = new byte[Session.MAX_EXCHANGE_BYTES + 1];

        Gyre.local(3).processes(2).run(session -> {
            assertThatIllegalArgumentException().isThrownBy(() -> session.exchange("too long", tooLong));
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> session.exchange("too many", List.of(NOTHING, NOTHING, NOTHING)));
            session.exchange("after it", NOTHING);
        });
    }

    @Test
    void aProcessWithSeveralRanksIsNotExpendable() throws Exception {
        Gyre.local(3)
                .processes(2)
                .run(session -> assertThatThrownBy(session::beExpendable)
                        .isInstanceOf(UnsupportedOperationException.class)
                        .hasMessageContaining(
                                session.seating().of(session.world().rank()).toString()));
    }

    @Test
    void otherProcessesThatHoldOtherSeatsAreRefused() throws Exception {
        LocalCluster.Rendezvous rendezvous = LocalCluster.Network.inProcess().open(3, Duration.ofSeconds(30));
        Groups ofFirst = Groups.of(3, 2);
        Groups ofSecond = new Groups(List.of(List.of(0), List.of(1), List.of(2)));
        List<Session> all = new ArrayList<>();
        for (int rank = 0; rank < 3; rank++) {
            all.add(rendezvous.join(rank));
        }
        List<Throwable> failures = new ArrayList<>();
        Thread other =
                new Thread(() -> failures.add(catchThrowable(() -> SeatedSession.of(all.subList(2, 3), ofSecond))));
        other.start();

        assertThatThrownBy(() -> SeatedSession.of(all.subList(0, 2), ofFirst))
                .isInstanceOf(DisagreementException.class)
                .hasMessageContaining("ranks of each process");
        other.join();
        assertThat(failures).singleElement().isInstanceOf(DisagreementException.class);
        all.forEach(Session::close);
        assertThat(seatThreads()).isEmpty();
    }

    @Test
    void seatsThatAreNotThoseOfAProcessAreRefused() throws Exception {
        Session alone =
                LocalCluster.Network.inProcess().open(3, Duration.ofSeconds(30)).join(1);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> SeatedSession.of(List.of(alone), Groups.of(3, 2)))
                .withMessageContaining("holds ranks [1] of 3")
                .withMessageContaining("[0, 1] [2]");
        assertThatIllegalArgumentException().isThrownBy(() -> SeatedSession.of(List.of(), Groups.of(3, 2)));
        alone.close();
    }

    @Test
    void aFailedJoinEndsTheOtherSeats() {
        LocalCluster.Rendezvous rendezvous = LocalCluster.Network.inProcess().open(3, Duration.ofSeconds(30));
        List<Session> joined = new ArrayList<>();

        Throwable failure = catchThrowable(() -> SeatedSession.join(Groups.of(3, 1), 0, rank -> {
            if (rank == 1) {
                throw new IllegalStateException("planned");
            }
            Session session = rendezvous.join(rank);
            synchronized (joined) {
                joined.add(session);
            }
            return session;
        }));

        assertThat(failure).hasMessage("planned");
        assertThat(joined).hasSize(2);
        assertThat(joined.get(0).isWhole()).isFalse();
    }

    @Test
    void closingEndsTheThreadsAndMayBeRepeated() throws Exception {
        Gyre.local(3).processes(1).run(session -> {
            assertThat(seatThreads()).hasSize(2);
            session.close();
            session.close();
            assertThat(seatThreads()).isEmpty();
            assertThatThrownBy(() -> session.exchange("too late", NOTHING)).isInstanceOf(IllegalStateException.class);
        });
    }

    @Test
    void closingEndsTheWaitsOfAllSeats() throws Exception {
        LocalCluster.Rendezvous rendezvous = LocalCluster.Network.inProcess().open(3, Duration.ofMinutes(5));
        List<Session> all = new ArrayList<>();
        for (int rank = 0; rank < 3; rank++) {
            all.add(rendezvous.join(rank));
        }
        Groups seating = Groups.of(3, 2);
        Thread other = new Thread(() -> SeatedSession.of(all.subList(2, 3), seating));
        other.start();
        SeatedSession session = SeatedSession.of(all.subList(0, 2), seating);
        other.join();
        Throwable[] failure = new Throwable[1];
        Thread waiting = new Thread(() -> failure[0] = catchThrowable(() -> session.exchange("never", NOTHING)));
        waiting.start();
        while (waiting.getState() == Thread.State.RUNNABLE || waiting.getState() == Thread.State.NEW) {
            Thread.onSpinWait();
        }

        session.close();
        waiting.join();

        assertThat(failure[0]).isNotNull();
        assertThat(seatThreads()).isEmpty();
        all.get(2).close();
    }

    @Test
    void anInterruptEndsTheWaitsOfAllSeats() throws Exception {
        CountDownLatch interrupted = new CountDownLatch(1);

        Gyre.local(3).seats(List.of(List.of(0, 1), List.of(2))).run(session -> {
            if (session.world().rank() == 0) {
                Thread.currentThread().interrupt();
                Throwable failure = catchThrowable(() -> session.exchange("never", NOTHING));
                assertThat(Thread.interrupted()).isTrue();
                interrupted.countDown();
                assertThat(failure).isInstanceOf(GyreException.class).hasMessageContaining("was interrupted in never");
            } else {
                interrupted.await();
            }
        });
    }

    private static List<String> seatThreads() {
        Thread[] all = new Thread[Thread.activeCount() + 16];
        int count = Thread.enumerate(all);
        return Arrays.stream(all, 0, count)
                .filter(Thread::isAlive)
                .map(Thread::getName)
                .filter(name -> name.startsWith("gyre-seat-"))
                .toList();
    }
}
