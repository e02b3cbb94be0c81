package io.gyre.paramserver;

/**
 * Which change of a client this is. A repeated request has the same, so the server can tell a copy from a new change:
 * see {@link ChangeLedger}.
 *
 * @param incarnation of the client's rank: how many processes had that rank before
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
