package io.gyre.transport;

import org.agrona.concurrent.EpochClock;

/**
 * Monotonic milliseconds for Aeron's liveness: with the wall clock, a step of 15 s would end every client at once. The
 * origin is common to the host (its boot, where the JVM uses the system's monotonic clock), so that processes that read
 * each other's time stamps agree.
 */
enum MonotonicClock implements EpochClock {
    INSTANCE;

    @Override
    public long time() {
        return System.nanoTime() / 1_000_000;
    }
}
