package io.gyre.transport;

import org.agrona.concurrent.EpochClock;

/**
 * Milliseconds that only go forward, for Aeron's liveness: with the wall clock, a step of 15 s would end every client
 * at once. The origin is the host's (its boot, where the JVM uses the system's monotonic clock), so that processes of
 * one host, which read each other's time stamps, agree.
 */
enum MonotonicClock implements EpochClock {
    INSTANCE;

    @Override
    public long time() {
        return System.nanoTime() / 1_000_000;
    }
}
