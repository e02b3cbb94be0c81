package io.gyre.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class ThreadEndTest {

    private final CountDownLatch end = new CountDownLatch(1);

    private Thread thread() {
        Thread thread = new Thread(() -> {
            try {
                end.await();
            } catch (InterruptedException e) {
                // It ends.
            }
        });
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    @AfterEach
    void release() {
        end.countDown();
        assertThat(Thread.interrupted()).as("an interrupt that no test expects").isFalse();
    }

    @Test
    void returnsWhenAllHaveEnded() {
        List<Thread> threads = List.of(thread(), thread());
        threads.forEach(Thread::interrupt);

        ThreadEnd.await(threads, Duration.ofSeconds(10));

        assertThat(threads).noneMatch(Thread::isAlive);
    }

    @Test
    void doesNotWaitForeverForOneThatGoesOn() {
        Thread stubborn = thread();

        ThreadEnd.await(List.of(stubborn), Duration.ofMillis(20));

        assertThat(stubborn.isAlive()).isTrue();
    }

    @Test
    void anInterruptStaysSetAndTheOthersAreStillAwaited() {
        Thread stubborn = thread();
        Thread other = thread();
        other.interrupt();
        Thread.currentThread().interrupt();

        ThreadEnd.await(List.of(stubborn, other), Duration.ofSeconds(10));

        assertThat(Thread.interrupted()).isTrue();
        assertThat(stubborn.isAlive()).isTrue();
        assertThat(other.isAlive()).isFalse();
    }
}
