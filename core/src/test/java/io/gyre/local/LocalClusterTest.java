package io.gyre.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.gyre.DisagreementException;
import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.World;
import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.session.Session;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LocalClusterTest {

    private static final byte[] NOTHING = {};

    @Test
    void resultsComeByRank() throws Exception {
        List<String> results =
                Gyre.local(5).call(session -> "rank " + session.world().rank());

        assertThat(results).containsExactly("rank 0", "rank 1", "rank 2", "rank 3", "rank 4");
    }

    @Test
    void everyRankHasAThreadOfItsOwnThatIsGoneAfterwards() throws Exception {
        Queue<Thread> threads = new ConcurrentLinkedQueue<>();

        Gyre.local(3).run(session -> threads.add(Thread.currentThread()));

        assertThat(threads).hasSize(3).doesNotHaveDuplicates().noneMatch(Thread::isAlive);
        assertThat(threads).extracting(Thread::getName).containsOnly("gyre-rank-0", "gyre-rank-1", "gyre-rank-2");
    }

    @Test
    void threadsOfFailedRunsAreGoneToo() {
        Queue<Thread> threads = new ConcurrentLinkedQueue<>();

        assertThatThrownBy(() -> Gyre.local(3).run(session -> {
                    threads.add(Thread.currentThread());
                    if (session.world().rank() == 2) {
                        throw new IOException("no disk");
                    }
                    session.exchange("forever", NOTHING);
                }))
                .isInstanceOf(GyreException.class);
        assertThat(threads).hasSize(3).noneMatch(Thread::isAlive);
    }

    @Test
    void theFirstFailureIsThrownWithItsRankAndTheOthersBelowIt() {
        IOException failure = new IOException("no disk");

        Throwable thrown = catchThrowable(() -> Gyre.local(3).run(session -> {
            if (session.world().rank() == 1) {
                throw failure;
            }
            session.exchange("forever", NOTHING);
        }));

        assertThat(thrown)
                .isInstanceOf(GyreException.class)
                .hasMessage("rank 1 failed: no disk")
                .hasCause(failure);
        assertThat(failure).hasNoSuppressedExceptions();
    }

    @Test
    void aFailureThatAllRanksFindIsReportedOnceAndEveryOtherBesideIt() throws InterruptedException {
        CyclicBarrier together = new CyclicBarrier(4);

        Throwable thrown = catchThrowable(() -> Gyre.local(4).run(session -> {
            together.await();
            int rank = session.world().rank();
            throw new IllegalArgumentException(rank < 2 ? "no labels" : "no features");
        }));

        assertThat(thrown.getCause()).isInstanceOf(IllegalArgumentException.class);
        assertThat(thrown.getCause().getSuppressed()).hasSize(1);
        assertThat(List.of(
                        thrown.getCause().getMessage(),
                        thrown.getCause().getSuppressed()[0].getMessage()))
                .containsExactlyInAnyOrder("no labels", "no features");
    }

    @Test
    void aFailureWithoutMessageIsToldByItsType() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    throw new UnsupportedOperationException();
                }))
                .hasMessageContaining("java.lang.UnsupportedOperationException");
    }

    @Test
    void aFailedAssertionComesOutAsItself() {
        AssertionError failure = new AssertionError("2 is not 3");

        assertThatThrownBy(() -> Gyre.local(1).run(session -> {
                    throw failure;
                }))
                .isSameAs(failure);
    }

    @Test
    void theOtherRanksAreToldWhy() {
        AtomicReference<Throwable> seen = new AtomicReference<>();

        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    if (session.world().isRoot()) {
                        throw new IOException("no disk");
                    }
                    seen.set(catchThrowable(() -> session.exchange("forever", NOTHING)));
                }))
                .hasMessageContaining("no disk");
        assertThat(seen.get())
                .isInstanceOf(PeerLostException.class)
                .hasMessageContainingAll("rank 0", "no disk", "forever");
    }

    @Test
    void anInterruptedCallerInterruptsTheRanksAndWaitsForThem() throws Exception {
        CountDownLatch running = new CountDownLatch(2);
        AtomicInteger interrupted = new AtomicInteger();
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread caller =
                new Thread(() -> thrown.set(catchThrowable(() -> Gyre.local(2).run(session -> {
                    running.countDown();
                    try {
                        new CountDownLatch(1).await();
                    } catch (InterruptedException e) {
                        interrupted.incrementAndGet();
                        throw e;
                    }
                }))));

        caller.start();
        assertThat(running.await(30, TimeUnit.SECONDS)).as("both ranks run").isTrue();
        caller.interrupt();
        caller.join();

        assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
        assertThat(interrupted).hasValue(2);
    }

    @Test
    void aFailedRunLeavesNothingBehindForTheNext() throws Exception {
        LocalCluster cluster = Gyre.local(2);
        assertThatThrownBy(() -> cluster.run(session -> {
                    throw new IOException("no disk");
                }))
                .isInstanceOf(GyreException.class);

        cluster.run(session -> session.exchange("again", NOTHING));
    }

    @Test
    void aRankThatCannotJoinEndsTheRun() {
        LocalCluster cluster = LocalCluster.over(
                (ranks, peerTimeout) -> {
                    LocalCluster.Rendezvous sound =
                            LocalCluster.Network.inProcess().open(ranks, peerTimeout);
                    return rank -> {
                        if (rank == 1) {
                            throw new IOException("no route to host");
                        }
                        return sound.join(rank);
                    };
                },
                2);

        assertThatThrownBy(() -> cluster.run(session -> {}))
                .isInstanceOf(GyreException.class)
                .hasMessage("rank 1 failed: no route to host");
    }

    @Test
    void thePeerTimeoutReachesTheNetwork() {
        Duration timeout = Duration.ofMillis(50);
        AtomicReference<Duration> seen = new AtomicReference<>();

        assertThatCode(() -> LocalCluster.over(
                                (ranks, peerTimeout) -> {
                                    seen.set(peerTimeout);
                                    return LocalCluster.Network.inProcess().open(ranks, peerTimeout);
                                },
                                2)
                        .withPeerTimeout(timeout)
                        .run(session -> {}))
                .doesNotThrowAnyException();
        assertThat(seen).hasValue(timeout);
    }

    @Test
    void settingsThatMakeNoSenseAreRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> Gyre.local(0)).withMessageContaining("0 ranks");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Gyre.local(1).withPeerTimeout(Duration.ZERO))
                .withMessageContaining("PT0S");
    }

    @Test
    void aGroupIsASessionOfItsOwn() throws Exception {
        Gyre.local(3).run(session -> {
            int rank = session.world().rank();
            if (rank == 1) {
                return;
            }
            Session ends = session.group(List.of(0, 2));

            assertThat(ends.world()).isEqualTo(new World(rank / 2, 2));
            assertThat(ends.members().get(1).rank()).isEqualTo(2);
            assertThat(ends.exchange("ranks", new byte[] {(byte) rank}))
                    .containsExactly(new byte[] {0}, new byte[] {2});
        });
    }

    @Test
    void ranksThatAttestDifferentValuesAllFailBeforeTheirNextExchangeEnds() {
        AtomicReferenceArray<Throwable> thrown = new AtomicReferenceArray<>(3);

        assertThatThrownBy(() -> Gyre.local(3).run(session -> {
                    int rank = session.world().rank();
                    Exception failure = catchThrowableOfType(Exception.class, () -> {
                        session.attest("the data of step 0", "the same", "");
                        session.attest("the data of step 1", rank == 1 ? "six rows" : "five rows", "Read the same.");
                        session.exchange("the end", NOTHING);
                    });
                    thrown.set(rank, failure);
                    throw failure;
                }))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("the data of step 1")
                .hasMessageContaining("six rows on rank 1");
        for (int rank = 0; rank < 3; rank++) {
            assertThat(thrown.get(rank)).isInstanceOf(DisagreementException.class);
        }
    }

    @Test
    void theOthersGoOnWithoutAnExpendableRank() throws Exception {
        Gyre.local(3).run(session -> {
            if (session.world().rank() == 2) {
                session.beExpendable();
                session.fail("on purpose");
                return;
            }
            assertThat(session.exchange("who is there", new byte[] {7}))
                    .containsExactly(new byte[] {7}, new byte[] {7}, new byte[0]);
            assertThat(session.hasEnded(2)).isTrue();
        });
    }

    @Test
    void lanesDoNotDisturbEachOther() throws Exception {
        Gyre.local(2).run(session -> {
            int peer = 1 - session.world().rank();
            Region word = Region.allocate("word", 8);
            for (int lane = 0; lane < Session.LANES; lane++) {
                word.putDouble(0, lane);
                session.endpoint(lane).sender(peer).offer(new Frame().set(Frame.Kind.DATA, lane, 0, 0, 8, 8), word, 0);
            }
            session.exchange("all sent", NOTHING);
            for (int lane = Session.LANES - 1; lane >= 0; lane--) {
                int expected = lane;
                int count = session.endpoint(lane)
                        .receiver(peer)
                        .poll(
                                (frame, payload, offset) -> {
                                    assertThat(frame.step()).isEqualTo(expected);
                                    assertThat(payload.getDouble(offset)).isEqualTo(expected);
                                    return true;
                                },
                                10);
                assertThat(count).isEqualTo(1);
            }
        });
    }

    @Test
    void codeOfTheProgramThatWaitsForSomethingElseEndsToo() {
        AtomicReference<Throwable> ended = new AtomicReference<>();

        Throwable thrown = catchThrowable(() -> Gyre.local(2).run(session -> {
            if (session.world().rank() == 1) {
                throw new IOException("no disk");
            }
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                ended.set(e);
                throw e;
            }
        }));

        assertThat(thrown).hasMessage("rank 1 failed: no disk");
        assertThat(thrown.getCause()).as("nothing but the consequence").hasNoSuppressedExceptions();
        assertThat(ended.get()).isInstanceOf(InterruptedException.class);
    }

    @Test
    void whoeverWaitsForSomethingElseCanAskWhetherTheRunGoesOn() {
        AtomicReference<Throwable> told = new AtomicReference<>();
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    session.check("the wait for a file");
                    assertThat(session.isWhole()).isTrue();
                    session.exchange("checked", NOTHING);
                    if (session.world().rank() == 1) {
                        throw new IOException("no disk");
                    }
                    while (session.isWhole()) {
                        Thread.onSpinWait();
                    }
                    told.set(catchThrowable(() -> session.check("the wait for a file")));
                }))
                .hasMessage("rank 1 failed: no disk");

        assertThat(told.get())
                .isInstanceOf(PeerLostException.class)
                .hasMessageContainingAll("rank 0 stopped in the wait for a file: rank 1 (host", "no disk");
    }

    @Test
    void aRankThatHasLeftIsMissedByThoseWhoNeedIt() throws Exception {
        List<String> told = Gyre.local(3).call(session -> {
            Session pair = session.world().rank() < 2 ? session.group(List.of(0, 1)) : session;
            session.exchange("the last call of rank 2", NOTHING);
            if (session.world().rank() == 2) {
                return "";
            }
            while (session.isWhole()) {
                Thread.onSpinWait();
            }
            pair.check("the wait for a file");
            assertThat(pair.isWhole()).isTrue();
            String message =
                    catchThrowable(() -> session.check("the wait for a file")).getMessage();
            pair.exchange("told", NOTHING);
            return message;
        });

        assertThat(told.get(0))
                .startsWith("rank 0 stopped in the wait for a file: rank 2 (host")
                .contains("it has left the run; the last call that it made with others was 'the last call of rank 2'");
        assertThat(told.get(1)).startsWith("rank 1 stopped in the wait for a file: rank 2 (host");
    }

    @Test
    void aCallOfOneRankOnlyIsNamedAndSoIsWhatTheOtherDidLast() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    session.exchange("training data", NOTHING);
                    if (session.world().rank() == 0) {
                        session.exchange("export to model.zip", NOTHING);
                    }
                }))
                .hasMessageContainingAll(
                        "rank 0 stopped in export to model.zip: rank 1 (host",
                        "and has not made this call",
                        "the last call that it made with others was 'training data'",
                        "world().isRoot()");
    }
}
