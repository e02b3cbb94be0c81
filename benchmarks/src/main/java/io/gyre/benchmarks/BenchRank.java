package io.gyre.benchmarks;

import io.gyre.session.Session;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import java.io.IOException;

/** Joins a run as one of its ranks, and takes part in a measurement. */
final class BenchRank {

    /** What a rank does. */
    interface Measurement {
        void run(Session session) throws IOException;
    }

    private BenchRank() {}

    /** Returns the exit status. */
    static int run(JoinOptions options, Measurement measurement) throws IOException {
        try (Session session = AeronSession.join(options)) {
            try {
                measurement.run(session);
            } catch (Throwable failure) {
                // Before the session closes, so that the others see a failure, not a rank that left.
                session.fail(String.valueOf(failure.getMessage()));
                throw failure;
            }
        }
        return 0;
    }
}
