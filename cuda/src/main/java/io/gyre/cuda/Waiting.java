package io.gyre.cuda;

import io.gyre.GyreException;
import io.gyre.device.DeviceException;
import io.gyre.device.DeviceException.Reason;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Polls until something is done: spins for the duration of a short copy, then sleeps between polls. */
final class Waiting {

    private static final int SPINS = 200;
    private static final long PAUSE_NANOS = 20_000;

    private Waiting() {}

    static void until(BooleanSupplier isDone, Duration timeout, String what, Object device) {
        for (int i = 0; i < SPINS; i++) {
            if (isDone.getAsBoolean()) {
                return;
            }
            Thread.onSpinWait();
        }
        long start = System.nanoTime();
        while (!isDone.getAsBoolean()) {
            if (System.nanoTime() - start > timeout.toNanos()) {
                throw new DeviceException(
                        Reason.TIMEOUT,
                        device + " has not finished " + what + " within " + timeout.toMillis()
                                + " ms. Look at nvidia-smi; another process may hold the device");
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new GyreException("interrupted while " + device + " did " + what);
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }
}
