package io.gyre.benchmarks;

import io.gyre.launcher.Launcher;
import io.gyre.session.Session;
import io.gyre.transport.AeronSession;
import io.gyre.transport.GyreVariable;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.TransportMode;
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

    /** Whether this process was started as a rank, by a command of ours or by another launcher. */
    static boolean isOne() {
        return GyreVariable.isRank(System.getenv()) || Launcher.startedAsOneOf().isPresent();
    }

    /**
     * How it joins.
     *
     * @param transport as the command was told, which another launcher cannot pass on
     */
    static JoinOptions.Builder join(TransportMode transport) {
        JoinOptions.Builder options = JoinOptions.fromEnvironment().toBuilder();
        return transport == TransportMode.AUTO ? options : options.transport(transport);
    }

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
