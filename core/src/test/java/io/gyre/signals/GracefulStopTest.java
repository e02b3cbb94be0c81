package io.gyre.signals;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Sends real signals to this JVM; a handler of the test replaces the one that would end it. */
@DisabledOnOs(OS.WINDOWS)
class GracefulStopTest {

    private static final String TERM = "TERM";
    private static final Duration LONG = Duration.ofMinutes(5);

    /** Stands still unless a test advances it. */
    private final AtomicLong nanos = new AtomicLong();

    private OrderlyEnd end = new OrderlyEnd(null, nanos::get);
    private final BlockingQueue<Integer> ends = new ArrayBlockingQueue<>(10);
    private JvmSignal ofJvm;

    @BeforeEach
    void surviveSignals() {
        ofJvm = JvmSignal.handle(TERM, () -> ends.add(15));
    }

    @AfterEach
    void leaveSignalsAsTheyWere() {
        ofJvm.restore();
    }

    private Integer awaitEnd() throws InterruptedException {
        return ends.poll(60, TimeUnit.SECONDS);
    }

    /** A program that trains until it is asked to end, and then does its final work. */
    private final class Program {
        private final CountDownLatch open = new CountDownLatch(1);
        private final CountDownLatch asked = new CountDownLatch(1);
        private final CountDownLatch mayEnd = new CountDownLatch(1);
        private final AtomicInteger timesAsked = new AtomicInteger();
        private final Thread thread;

        Program(Duration atMost) throws InterruptedException {
            thread = new Thread(() -> run(atMost), "program");
            thread.start();
            open.await();
        }

        private void run(Duration atMost) {
            try (GracefulStop stop = new GracefulStop(this::ask, atMost, end)) {
                open.countDown();
                asked.await();
                assertThat(stop.signal()).hasValue(15);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            try {
                mayEnd.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        private void ask() {
            timesAsked.incrementAndGet();
            asked.countDown();
        }
    }

    @Test
    void theJvmEndsWhenTheProgramThatWasAskedHasEnded() throws Exception {
        Program program = new Program(LONG);

        JvmSignal.raise(TERM);
        program.asked.await();
        assertThat(ends).as("the program has not ended yet").isEmpty();
        program.mayEnd.countDown();

        assertThat(awaitEnd()).isEqualTo(15);
        assertThat(program.thread.isAlive()).isFalse();
        assertThat(program.timesAsked).hasValue(1);
    }

    @Test
    void aSecondSignalEndsTheJvmAtOnce() throws Exception {
        Program program = new Program(LONG);

        JvmSignal.raise(TERM);
        program.asked.await();
        nanos.addAndGet(TimeUnit.SECONDS.toNanos(1));
        JvmSignal.raise(TERM);

        assertThat(awaitEnd()).isEqualTo(15);
        assertThat(program.thread.isAlive()).isTrue();
        assertThat(program.timesAsked).hasValue(1);
        program.mayEnd.countDown();
    }

    @Test
    void anEchoOfTheFirstSignalDoesNotCount() throws Exception {
        Program program = new Program(LONG);

        JvmSignal.raise(TERM);
        program.asked.await();
        nanos.addAndGet(TimeUnit.SECONDS.toNanos(1) - 1);
        JvmSignal.raise(TERM);
        awaitSignalsRaisedSoFar();

        assertThat(ends).isEmpty();
        assertThat(program.timesAsked).hasValue(1);
        program.mayEnd.countDown();
        assertThat(awaitEnd()).isEqualTo(15);
    }

    @Test
    void underALauncherWhichCountsThemLaterSignalsDoNotCount() throws Exception {
        end = new OrderlyEnd("60", nanos::get);
        Program program = new Program(LONG);

        JvmSignal.raise(TERM);
        program.asked.await();
        nanos.addAndGet(TimeUnit.HOURS.toNanos(1));
        JvmSignal.raise(TERM);
        awaitSignalsRaisedSoFar();

        assertThat(ends).isEmpty();
        program.mayEnd.countDown();
        assertThat(awaitEnd()).isEqualTo(15);
    }

    /**
     * The JVM delivers signals one by one, each on its own thread. This one is the thread of a later signal, one that
     * neither {@code nohup} nor a shell's {@code &} ignores.
     */
    private static void awaitSignalsRaisedSoFar() throws InterruptedException {
        CountDownLatch heard = new CountDownLatch(1);
        JvmSignal last = JvmSignal.handle("WINCH", heard::countDown);
        JvmSignal.raise("WINCH");
        heard.await();
        last.restore();
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().endsWith(" handler")) {
                thread.join();
            }
        }
    }

    @Test
    void theUsualTimeIsTheLaunchersIfItTellsOne() {
        assertThat(new OrderlyEnd(null, nanos::get).usualTime()).isEqualTo(GracefulStop.TIME);
        assertThat(new OrderlyEnd("0.5", nanos::get).usualTime()).isEqualTo(Duration.ofMillis(500));
        assertThatThrownBy(() -> new OrderlyEnd("soon", nanos::get).usualTime())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("GYRE_GRACE=soon");
        for (String seconds : new String[] {"-1", "1e300", "NaN"}) {
            assertThatThrownBy(() -> new OrderlyEnd(seconds, nanos::get).usualTime())
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("GYRE_GRACE=" + seconds);
        }
    }

    @Test
    void theTimeEndsTheJvmWhateverTheProgramDoes() throws Exception {
        Program program = new Program(Duration.ofMillis(1));

        JvmSignal.raise(TERM);

        assertThat(awaitEnd()).isEqualTo(15);
        assertThat(program.thread.isAlive()).isTrue();
        program.mayEnd.countDown();
    }

    @Test
    void allProgramsOfTheJvmAreAskedAndWaitedFor() throws Exception {
        Program first = new Program(LONG);
        Program second = new Program(LONG);

        JvmSignal.raise(TERM);
        first.asked.await();
        second.asked.await();
        first.mayEnd.countDown();
        first.thread.join();
        assertThat(ends).as("the second has not ended yet").isEmpty();
        second.mayEnd.countDown();

        assertThat(awaitEnd()).isEqualTo(15);
    }

    @Test
    void whoComesAfterTheSignalIsAskedAtOnce() throws Exception {
        Program first = new Program(LONG);
        JvmSignal.raise(TERM);
        first.asked.await();

        Program second = new Program(LONG);

        second.asked.await();
        first.mayEnd.countDown();
        second.mayEnd.countDown();
        assertThat(awaitEnd()).isEqualTo(15);
    }

    @Test
    void onceClosedSignalsAreAsTheyWere() throws Exception {
        GracefulStop stop = new GracefulStop(() -> ends.add(-1), LONG, end);
        GracefulStop other = new GracefulStop(() -> ends.add(-1), LONG, end);
        stop.close();
        stop.close();
        other.close();

        JvmSignal.raise(TERM);

        assertThat(awaitEnd()).isEqualTo(15);
        assertThat(stop.signal()).isEmpty();
    }

    @Test
    void anotherOneCanBeOpenedAfterTheFirstWasClosed() throws Exception {
        new GracefulStop(() -> ends.add(-1), LONG, end).close();
        Program program = new Program(LONG);

        JvmSignal.raise(TERM);
        program.asked.await();
        program.mayEnd.countDown();

        assertThat(awaitEnd()).isEqualTo(15);
    }

    @Test
    void aNegativeTimeIsRefused() {
        assertThatThrownBy(() -> new GracefulStop(() -> {}, Duration.ofSeconds(-1), end))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("PT-1S");
    }
}
