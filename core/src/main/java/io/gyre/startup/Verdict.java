package io.gyre.startup;

/**
 * What limits a run, and what would help.
 *
 * @param limit which kind of thing
 * @param text one line for people, with the figures
 */
public record Verdict(Limit limit, String text) {

    /** What can limit a run. */
    public enum Limit {
        /** More ranks than cores on a machine. */
        RANKS,
        /** More computing threads than cores on a machine. */
        THREADS,
        /** Little shared memory is left. */
        SHARED_MEMORY,
        /** A host is slower than the others. */
        HOST,
        /** A rank needs longer for its own part of a step than the others. */
        RANK,
        /** The exchange over links between ranks. */
        NETWORK,
        /** The exchange in memory that ranks share. */
        MEMORY,
        /** Reading the data. */
        DATA,
        /** Computing: nothing else. */
        COMPUTING,
        /** Nothing stands out, as far as it can be told before the first step. */
        NOTHING
    }

    @Override
    public String toString() {
        return text;
    }
}
