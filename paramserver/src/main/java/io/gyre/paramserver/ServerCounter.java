package io.gyre.paramserver;

import io.gyre.session.SharedCounter;

/**
 * A counter on the first server that all workers share: see {@link ParameterService#counter}. Each addition is applied
 * once, however often it must be sent. If the server's memory is mapped, nothing is sent.
 *
 * <dl>
 *   <dt>Range
 *   <dd>Exact up to 2^53.
 *   <dt>Threading
 *   <dd>One thread at a time, which need not be that of the service's other calls.
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
