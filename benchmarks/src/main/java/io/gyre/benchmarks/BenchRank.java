package io.gyre.benchmarks;

import io.gyre.session.Session;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import java.io.IOException;

/** Joins a run as one of its ranks, and takes part in a measurement. */
final class BenchRank {

    /** What a rank does. */
    interface Measurement {
        /**
         * Measures.
         *
         * @param joinNanos how long this rank took to join, and to wait for those that came later
         */
        void run(Session session, long joinNanos) throws IOException;
    }

    private BenchRank() {}

    /** Returns the exit status. */
    static int run(JoinOptions options, Measurement measurement) throws IOException {
        long begin = System.nanoTime();
        try (Session session = AeronSession.join(options)) {
            long joinNanos = System.nanoTime() - begin;
            try {
                measurement.run(session, joinNanos);
            } catch (Throwable failure) {
                // Before the session closes, so that the others see a failure, not a rank that left.
                session.fail(String.valueOf(failure.getMessage()));
                throw failure;
            }
        }
        return 0;
    }
}
