package io.gyre.paramserver;

/** Replies of a server: one record per kind. */
sealed interface Reply extends ServerMessage {

    /** The request was rejected, and nothing has changed. */
    record Refused(String reason) implements Reply {}

    /** The other server that holds a copy of the shard answers requests: nothing has changed here. */
    record Elsewhere() implements Reply {}

    /** The request was carried out, and there is no result. */
    record Done() implements Reply {}

    /**
     * The client may use a buffer.
     *
     * @param buffer its number on this server, used in requests
     * @param version of the shard
     * @param lastChange sequence number of the last change of this rank that was applied; 0 if none was
     * @param shardBox memory box that holds the shard; empty if it cannot be mapped
     * @param pushBox memory box in which this client puts its gradients; empty if it sends them
     */
    record Opened(int buffer, long version, long lastChange, String shardBox, String pushBox) implements Versioned {}

    /** A reply with the version of the shard. */
    sealed interface Versioned extends Reply {

        /** Number of changes of the shard; of parameters in training, the number of updates. */
        long version();
    }

    /** A change has been applied, now or when it first arrived. */
    record Applied(long version) implements Versioned {}

    /** The awaited version has been reached. */
    record Reached(long version) implements Versioned {}

    /** The content of the shard follows. */
    record Content(long version) implements Versioned {}

    /**
     * A step may begin. After {@link Request.SentPull} the parameters follow.
     *
     * @param clock number of steps of every worker that these parameters contain
     */
    record StepGranted(long version, long clock) implements Versioned {}

    /**
     * The counter has been increased.
     *
     * @param before previous value of the counter
     */
    record Counted(long before) implements Reply {}

    /**
     * A restarted worker may continue.
     *
     * @param step its first step
     */
    record Rejoined(long step) implements Reply {}

    /** Staleness of all pushes to the shard so far. */
    record StalenessCounted(StalenessHistogram histogram) implements Reply {}
}
