package io.gyre.paramserver;

/**
 * Identifies a change of a client. A repeated request has the same id, so the server can tell a copy from a new change:
 * see {@link ChangeLedger}.
 *
 * @param incarnation of the client's rank: the number of its earlier processes
 * @param sequence number of the change among those of this client to this shard, from {@link #FIRST}, without gaps
 */
record ChangeId(long incarnation, long sequence) {

    static final long FIRST = 1;

    ChangeId {
        if (sequence < FIRST) {
            throw new IllegalArgumentException("change number " + sequence + ": the first is " + FIRST);
        }
    }
}
