package org.nd4j.linalg.cpu;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Simulates a method of ND4J that has taken an address: the class has a matching name. */
public final class RunningCall {

    private RunningCall() {}

    /** Runs until it is told to return. */
    public static void hold(CountDownLatch entered, CountDownLatch leave) {
        entered.countDown();
        try {
            if (!leave.await(5, TimeUnit.MINUTES)) {
                throw new IllegalStateException("this call was not told to leave");
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
