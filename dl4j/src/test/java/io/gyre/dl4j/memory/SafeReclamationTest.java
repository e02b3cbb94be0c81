package io.gyre.dl4j.memory;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.testkit.Eventually;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.memory.Deallocatable;
import org.nd4j.linalg.api.memory.Deallocator;
import org.nd4j.linalg.cpu.RunningCall;
import org.nd4j.linalg.factory.Nd4j;

/** With arrays, and with objects that ND4J manages like its own, on a CPU and on GPUs. */
class SafeReclamationTest {

    /** More than in the grace period, at five observations a second. */
    private static final int MANY_OBSERVATIONS = 15;

    private final CountDownLatch entered = new CountDownLatch(1);
    private final CountDownLatch leave = new CountDownLatch(1);
    private final Thread call = new Thread(() -> RunningCall.hold(entered, leave), "call");

    private final List<SafeReclamation> opened = new ArrayList<>();

    @AfterEach
    void end() {
        leave.countDown();
        opened.forEach(SafeReclamation::close);
    }

    private SafeReclamation install() {
        SafeReclamation reclamation = SafeReclamation.install();
        opened.add(reclamation);
        return reclamation;
    }

    /** Records the thread that frees it. */
    private record Native(AtomicReference<String> freedBy) implements Deallocatable {

        @Override
        public String getUniqueId() {
            return "test-" + UUID.randomUUID();
        }

        @Override
        public Deallocator deallocator() {
            AtomicReference<String> told = freedBy;
            return () -> told.set(Thread.currentThread().getName());
        }

        @Override
        public int targetDevice() {
            return 0;
        }
    }

    /** Creates an object that is unreachable at once. */
    private static AtomicReference<String> dead() {
        AtomicReference<String> freedBy = new AtomicReference<>();
        Nd4j.getDeallocatorService().pickObject(new Native(freedBy));
        return freedBy;
    }

    private static void await(String what, BooleanSupplier condition) {
        Eventually.that(what, Duration.ofMinutes(3), condition);
    }

    private static void collectUntil(String what, BooleanSupplier condition) {
        await(what, () -> {
            System.gc();
            return condition.getAsBoolean();
        });
    }

    private static Reclaimer reclaimer() {
        return Objects.requireNonNull(SafeReclamation.reclaimer());
    }

    private void beginCall() throws InterruptedException {
        call.start();
        entered.await();
    }

    @Test
    void whatACallMayUseIsNotFreedBeforeItEnds() throws InterruptedException {
        install();
        beginCall();
        AtomicReference<String> freedBy = dead();
        collectUntil("it is found", () -> reclaimer().waiting() > 0);
        long observations = reclaimer().observations();
        await("many observations", () -> reclaimer().observations() > observations + MANY_OBSERVATIONS);
        assertThat(freedBy).hasNullValue();

        leave.countDown();
        await("it is freed", () -> freedBy.get() != null);
        assertThat(freedBy).hasValue("gyre-reclamation");
    }

    @Test
    void whatNobodyUsesIsFreed() {
        install();
        AtomicReference<String> freedBy = dead();

        collectUntil("it is freed", () -> freedBy.get() != null);

        assertThat(freedBy).hasValue("gyre-reclamation");
        assertThat(reclaimer().freed()).isPositive();
    }

    @Test
    void theLastToCloseGivesTheWorkBack() {
        SafeReclamation first = install();
        SafeReclamation second = install();
        Thread thread = reclaimer().thread();
        first.close();
        first.close();
        AtomicReference<String> between = dead();
        collectUntil("it is freed", () -> between.get() != null);
        assertThat(between).hasValue("gyre-reclamation");

        second.close();

        await("the thread has ended", () -> !thread.isAlive());
        AtomicReference<String> after = dead();
        collectUntil("it is freed", () -> after.get() != null);
        assertThat(after.get()).startsWith("DeallocatorServiceThread_");
    }

    @Test
    void whatWasFoundIsFreedSafelyAfterTheClose() throws InterruptedException {
        SafeReclamation reclamation = install();
        Reclaimer reclaimer = reclaimer();
        beginCall();
        AtomicReference<String> freedBy = dead();
        collectUntil("it is found", () -> reclaimer.waiting() > 0);

        reclamation.close();

        long observations = reclaimer.observations();
        await("many observations", () -> reclaimer.observations() > observations + MANY_OBSERVATIONS);
        assertThat(freedBy).hasNullValue();
        leave.countDown();
        await("the thread has ended", () -> !reclaimer.thread().isAlive());
        assertThat(freedBy).hasValue("gyre-reclamation");
    }

    @Test
    void memoryOfDeadArraysComesBackThoughTheHeapIsNotFull() {
        install();
        long before = Nd4j.getEnvironment().getDeviceCouner(0);
        for (int i = 0; i < 2 * SafeReclamation.LIMIT_MEGABYTES; i++) {
            Nd4j.create(1 << 18);
        }

        await(
                "memory is freed",
                () -> Nd4j.getEnvironment().getDeviceCouner(0) - before < (long) SafeReclamation.LIMIT_MEGABYTES << 20);
    }
}
