package io.gyre.paramserver;

/** What a server replies: one record per reply. */
sealed interface Reply extends ServerMessage {

    /** The request cannot be granted, and nothing has changed. */
    record Refused(String reason) implements Reply {}

    /** It has been done, and there is nothing to say about it. */
    record Done() implements Reply {}

    /**
     * The client may use a buffer.
     *
     * @param buffer its number on this server, by which requests name it
     * @param version of the shard
     * @param lastChange sequence number of the last change of this rank that was applied; 0 if none was
     * @param shardBox memory box in which the shard lies; empty if it cannot be mapped
     * @param pushBox memory box in which this client puts its gradients; empty if it sends them
     */
    record Opened(int buffer, long version, long lastChange, String shardBox, String pushBox) implements Versioned {}

    /** A reply that tells the version of the shard. */
    sealed interface Versioned extends Reply {

        /** Number of changes that the shard has seen; of parameters in training, the number of updates. */
        long version();
    }

    /** A change has been applied, now or when it first came. */
    record Applied(long version) implements Versioned {}

    /** A version that was waited for has been reached. */
    record Reached(long version) implements Versioned {}

    /** The content of the shard follows. */
    record Content(long version) implements Versioned {}

    /**
     * A step may begin. After {@link Request.SentPull} the parameters follow.
     *
     * @param clock steps of every worker that these parameters hold
     */
    record StepGranted(long version, long clock) implements Versioned {}

    /**
     * A count has been added.
     *
     * @param before what the counter was
     */
    record Counted(long before) implements Reply {}

    /**
     * A restarted worker goes on.
     *
     * @param step the first that it takes
     */
    record Rejoined(long step) implements Reply {}

    /** Staleness of all pushes to the shard so far. */
    record StalenessCounted(StalenessHistogram histogram) implements Reply {}
}
