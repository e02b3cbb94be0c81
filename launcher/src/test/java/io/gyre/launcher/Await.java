package io.gyre.launcher;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waiting for a condition, with a deadline and a name. */
final class Await {

    /** Deadline for what takes milliseconds on an idle machine. */
    static final Duration LONG = Duration.ofSeconds(60);

    private Await() {}

    static void until(Duration atMost, Supplier<String> what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + atMost.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("waited " + atMost + " in vain until " + what.get());
            }
            LockSupport.parkNanos(5_000_000);
        }
    }
}
