package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits in tests for a named condition, with a deadline. */
public final class Eventually {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private Eventually() {}

    /** Waits half a minute at the most. */
    public static void that(String what, BooleanSupplier condition) {
        that(what, TIMEOUT, condition);
    }

    /** Waits until a condition holds; fails with its name if it does not within that time. */
    public static void that(String what, Duration atMost, BooleanSupplier condition) {
        long deadline = System.nanoTime() + atMost.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - deadline)
                    .as("%s, within %s", what, atMost)
                    .isNegative();
            LockSupport.parkNanos(5_000_000);
        }
    }
}
