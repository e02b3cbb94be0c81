package io.gyre.paramserver;

import io.gyre.session.SharedCounter;

/**
 * A number on the first server with which all workers count: see {@link ParameterService#counter}. Counts happen once
 * each, however often they must be sent; where the server's memory is mapped, nothing is sent.
 *
 * <dl>
 *   <dt>Range
 *   <dd>Exact up to 2^53.
 *   <dt>Threading
 *   <dd>One thread at a time, which may be another than that of the service's other calls.
 * </dl>
 */
public final class ServerCounter implements SharedCounter {

    private final Caller caller;
    private final ShardHandle first;

    ServerCounter(ShardedBuffer buffer, Caller caller) {
        this.caller = caller;
        first = buffer.shards().get(0);
    }

    @Override
    public long getAndAdd(long delta) {
        return first.isMapped()
                ? first.fetchAndAddMapped(delta)
                : caller.await(first.fetchAndAdd(delta)).before();
    }
}
