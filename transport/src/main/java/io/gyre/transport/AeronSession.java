package io.gyre.transport;

import io.gyre.Session;

/** A rank's membership in a run of processes, over shared memory on one host and UDP between hosts. */
public abstract class AeronSession implements Session {
    /** Joins a run, and returns when all ranks have come. */
    @SuppressWarnings(
            "DoNotCallSuggester") // The network below comes with the next commits; callers can compile already.
    public static AeronSession join(JoinOptions options) {
        throw new UnsupportedOperationException(options.toString());
    }
}
