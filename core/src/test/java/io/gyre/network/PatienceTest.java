package io.gyre.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PatienceTest {

    private static final Duration LONG = Duration.ofMinutes(10);

    /** Long enough that a wait sleeps in every turn. */
    private static final Duration PAUSE = Duration.ofMillis(1);

    private static final Member PEER = new Member(1, "bee", 4711);

    private final Activity activity = new Activity();

    /** The time, which advances when the wait sleeps. */
    private long now;

    PatienceTest() {
        activity.begin("all-reduce (ring)", 17, 3, 0);
        activity.waitingFor(PEER, 0);
    }

    @Test
    void aDeadRankEndsTheWait() {
        PeerLostException death = new PeerLostException(0, PEER, "its connection closed", "all-reduce");
        Patience patience = patience(LONG, new KnownStatus(false) {
            @Override
            public void check(int observer, Object doing) {
                assertThat(observer).isZero();
                assertThat(doing).hasToString("all-reduce (ring) of bucket 3, step 17");
                throw death;
            }
        });

        assertThatThrownBy(() -> waitForEver(patience)).isSameAs(death);
    }

    @Test
    void silenceEndsTheWaitAfterTheTimeout() {
        Duration timeout = Duration.ofMinutes(2);
        activity.progressed();

        PeerTimeoutException thrown = catchThrowableOfType(
                PeerTimeoutException.class, () -> waitForEver(patience(timeout, new KnownStatus(false))));

        assertThat(now).isBetween(timeout.toNanos(), timeout.toNanos() + 33 * PAUSE.toNanos());
        assertThat(thrown.rank()).isEqualTo(1);
        assertThat(thrown).hasMessageContainingAll("rank 0", "120000 ms", "bucket 3, step 17", PEER.toString());
    }

    @Test
    void theSystemsClockEndsAWaitToo() {
        Duration timeout = Duration.ofMillis(20);
        long begin = System.nanoTime();
        Patience patience = new Patience(0, timeout, new KnownStatus(false), new Backoff(1), System::nanoTime);

        assertThatThrownBy(() -> waitForEver(patience)).isInstanceOf(PeerTimeoutException.class);

        assertThat(System.nanoTime() - begin).isGreaterThanOrEqualTo(timeout.toNanos());
    }

    @Test
    void silenceOfNobodyInParticularNamesNobody() {
        activity.begin("barrier", 17, -1, 0);

        PeerTimeoutException thrown = catchThrowableOfType(
                PeerTimeoutException.class, () -> waitForEver(patience(Duration.ofMillis(20), new KnownStatus(false))));

        assertThat(thrown.rank()).isEqualTo(-1);
        assertThat(thrown).hasMessageContaining("any rank");
    }

    @Test
    void progressRestartsTheClock() {
        Duration timeout = Duration.ofSeconds(1);
        KnownStatus status = new KnownStatus(false);
        Patience patience = patience(timeout, status);

        while (now < timeout.toNanos() * 3 / 2) {
            int looks = status.looks;
            while (status.looks == looks) {
                patience.turn(0, activity);
            }
            patience.turn(1, activity);
        }
        assertThat(activity.silentNanos(now)).isLessThan(timeout.toNanos());
    }

    @Test
    void aPeerThatHasLeftGetsOneMoreLookForItsLastFrames() {
        KnownStatus status = new KnownStatus(true);
        Patience patience = patience(LONG, status);

        PeerLostException thrown = catchThrowableOfType(PeerLostException.class, () -> waitForEver(patience));

        assertThat(thrown.rank()).isEqualTo(1);
        assertThat(thrown).hasMessageContaining("it has left the run");
        assertThat(status.looks).isEqualTo(2);
    }

    @Test
    void framesOfAPeerThatHasLeftAreProgress() {
        KnownStatus status = new KnownStatus(true);
        Patience patience = patience(LONG, status);

        for (int frame = 1; frame <= 5; frame++) {
            while (status.looks < frame) {
                patience.turn(0, activity);
            }
            patience.turn(1, activity);
        }
        assertThat(status.looks).isEqualTo(5);
    }

    @Test
    void anInterruptEndsTheWaitAndStaysSet() {
        Thread.currentThread().interrupt();

        GyreException thrown =
                catchThrowableOfType(GyreException.class, () -> waitForEver(patience(LONG, new KnownStatus(false))));

        assertThat(Thread.interrupted()).isTrue();
        assertThat(thrown).hasMessageContainingAll("rank 0", "interrupted", "step 17");
    }

    @Test
    void observersHearOfALongWaitOnceAndOfItsEnd() {
        List<String> heard = new ArrayList<>();
        WaitObservers observers = new WaitObservers();
        observers.add(new WaitObserver() {
            @Override
            public void waitBegan(Activity of, long beginNanos) {
                heard.add("began " + of + " for " + of.peer() + " at " + beginNanos);
            }

            @Override
            public void waitEnded(Activity of, @Nullable Member peer, long beginNanos, long endNanos) {
                heard.add("ended for " + peer + ", from " + beginNanos + " to " + endNanos);
            }
        });
        Backoff backoff = new Backoff(1, PAUSE, false, nanos -> now += nanos);
        Patience patience = new Patience(0, LONG, new KnownStatus(false), backoff, () -> now, observers);
        activity.progressed();

        patience.turn(0, activity);
        patience.turn(1, activity);
        assertThat(heard).as("a short wait").isEmpty();
        long began = now + 16 * PAUSE.toNanos();
        for (int turn = 0; turn < 100; turn++) {
            patience.turn(0, activity);
        }
        long ended = now;
        activity.waitingFor(new Member(7, "next", 1), 0);
        patience.turn(1, activity);
        patience.turn(1, activity);

        assertThat(heard)
                .containsExactly(
                        "began all-reduce (ring) of bucket 3, step 17 for " + PEER + " at " + began,
                        "ended for " + PEER + ", from " + began + " to " + ended);
    }

    @Test
    void aWaitForNobodyInParticularIsNotObserved() {
        WaitObservers observers = new WaitObservers();
        List<Long> heard = new ArrayList<>();
        observers.add(new WaitObserver() {
            @Override
            public void waitBegan(Activity of, long beginNanos) {
                heard.add(beginNanos);
            }
        });
        Backoff backoff = new Backoff(1, PAUSE, false, nanos -> now += nanos);
        Patience patience = new Patience(0, LONG, new KnownStatus(false), backoff, () -> now, observers);
        activity.begin("service", 0, -1, 0);

        for (int turn = 0; turn < 100; turn++) {
            patience.turn(0, activity);
        }

        assertThat(heard).isEmpty();
    }

    private Patience patience(Duration timeout, PeerStatus status) {
        Backoff backoff = new Backoff(1, PAUSE, false, nanos -> now += nanos);
        return new Patience(0, timeout, status, backoff, () -> now);
    }

    private void waitForEver(Patience patience) {
        while (true) {
            patience.turn(0, activity);
        }
    }

    private static class KnownStatus implements PeerStatus {
        private final boolean left;
        private int looks;

        KnownStatus(boolean left) {
            this.left = left;
        }

        @Override
        public void check(int observer, Object doing) {}

        @Override
        public boolean hasLeft(int rank) {
            looks++;
            return left;
        }
    }
}
