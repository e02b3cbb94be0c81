package io.gyre.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class KillWatchTest {

    private final AtomicBoolean killed = new AtomicBoolean();

    @Test
    void aRankThatIsKilledIsInterruptedUntilItEnds() {
        int interrupts = 0;
        KillWatch watch = new KillWatch(0, killed::get);
        killed.set(true);

        // Like code that takes an interrupt and goes on.
        while (interrupts < 2) {
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                interrupts++;
            }
        }
        watch.close();
        watch.close();

        Thread.interrupted();
        assertThat(watchers()).isZero();
    }

    @Test
    void aRankThatIsNotKilledIsLeftAlone() throws Exception {
        AtomicInteger looks = new AtomicInteger();
        CountDownLatch looked = new CountDownLatch(3);
        KillWatch watch = new KillWatch(0, () -> {
            looks.incrementAndGet();
            looked.countDown();
            return killed.get();
        });

        assertThat(looked.await(30, TimeUnit.SECONDS)).isTrue();
        watch.close();
        int before = looks.get();
        killed.set(true);

        assertThat(Thread.currentThread().isInterrupted()).isFalse();
        assertThat(watchers()).isZero();
        assertThat(looks).hasValue(before);
    }

    @Test
    void anInterruptByAnotherIsKept() {
        KillWatch watch = new KillWatch(0, killed::get);
        Thread.currentThread().interrupt();

        watch.close();

        assertThat(Thread.interrupted()).isTrue();
    }

    private static long watchers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("gyre-kill-watch-"))
                .count();
    }
}
