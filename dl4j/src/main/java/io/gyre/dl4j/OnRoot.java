package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.session.Session;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;

/** Work that one rank, mostly rank 0, does for all: every rank gets its result or its failure. */
final class OnRoot {

    private static final char DONE = '+';
    private static final char FAILED = '-';

    private OnRoot() {}

    /**
     * Does the work on rank 0 while the others wait.
     *
     * @param topic name of the work, for errors
     * @param work fails with {@link GyreException}
     */
    static String call(Session session, String topic, Supplier<String> work) {
        return call(session, 0, topic, work);
    }

    /** As {@link #call(Session, String, Supplier)}, on the process that holds another rank. */
    static String call(Session session, int rank, String topic, Supplier<String> work) {
        String outcome = "";
        GyreException failure = null;
        if (session.seating().of(session.world().rank()).contains(rank)) {
            try {
                outcome = DONE + work.get();
            } catch (GyreException e) {
                outcome = FAILED + String.valueOf(e.getMessage());
                failure = e;
            }
        }
        String ofRoot = new String(
                session.exchange(topic, outcome.getBytes(StandardCharsets.UTF_8))
                        .get(rank),
                StandardCharsets.UTF_8);
        if (failure != null) {
            throw failure;
        }
        if (ofRoot.isEmpty()) {
            throw new GyreException(
                    session.members().get(rank) + ", which does the " + topic + " for all ranks, was lost");
        }
        if (ofRoot.charAt(0) == FAILED) {
            throw new GyreException(ofRoot.substring(1));
        }
        return ofRoot.substring(1);
    }
}
