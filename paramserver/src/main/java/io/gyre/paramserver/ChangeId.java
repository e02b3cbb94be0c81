package io.gyre.paramserver;

import io.gyre.ProtocolException;

/**
 * Which change of a client this is. A repeated request has the same, and so the server can tell a copy from a new change: see
 * {@link ChangeLedger}.
 *
 * @param incarnation of the client's rank: how many processes had that rank before
 * @param sequence number of the change among those of this client to this shard, from 1, without gaps
 */
record ChangeId(long incarnation, long sequence) {

    ChangeId {
        if (sequence < 1) {
            throw new ProtocolException("change number " + sequence + ": they are counted from 1");
        }
    }
}
