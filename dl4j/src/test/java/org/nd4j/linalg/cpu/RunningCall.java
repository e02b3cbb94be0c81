package org.nd4j.linalg.cpu;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Stands in for a method of ND4J that has taken an address: its class has a name like one. */
public final class RunningCall {

    private RunningCall() {}

    /** Runs until it is told to leave. */
    public static void hold(CountDownLatch entered, CountDownLatch leave) {
        entered.countDown();
        try {
            if (!leave.await(5, TimeUnit.MINUTES)) {
                throw new IllegalStateException("nobody told this call to leave");
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
