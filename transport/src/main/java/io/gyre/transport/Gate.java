package io.gyre.transport;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Keeps mapped memory from being unmapped while a thread is inside: a stray access would end the JVM. Entering costs
 * two atomic additions and never waits.
 */
final class Gate {

    private static final int CLOSED = Integer.MIN_VALUE;

    private final AtomicInteger inside = new AtomicInteger();

    /** Enters, unless the gate is closed; pair it with {@link #exit} in a finally block. */
    void enter() {
        if (inside.incrementAndGet() <= 0) {
            inside.decrementAndGet();
            throw closed();
        }
    }

    void exit() {
        inside.decrementAndGet();
    }

    void check() {
        if (inside.get() < 0) {
            throw closed();
        }
    }

    private static IllegalStateException closed() {
        return new IllegalStateException("this session is closed");
    }

    /** Admits no more threads. Returns false if the gate was closed already. */
    boolean close() {
        return inside.getAndUpdate(count -> count < 0 ? count : count + CLOSED) >= 0;
    }

    /** Waits until no thread is inside; false if one still is at the deadline. */
    boolean awaitEmpty(long deadline) {
        while (inside.get() != CLOSED) {
            if (System.nanoTime() - deadline >= 0) {
                return false;
            }
            LockSupport.parkNanos(10_000);
        }
        return true;
    }
}
