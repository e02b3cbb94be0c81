package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.session.SharedCounter;

/**
 * A number on the first server with which all workers count: see {@link ParameterService#counter}. Counts happen once each,
 * however often they must be sent; where the server's memory is mapped, nothing is sent.
 *
 * <dl>
 *   <dt>Range
 *   <dd>Exact up to 2^53.
 *   <dt>Threading
 *   <dd>One thread at a time, which may be another than that of the service's other calls.
 * </dl>
 */
public final class ServerCounter implements SharedCounter {

    private final SoftMemoryBox box;

    ServerCounter(ParameterService service, String name) {
        box = service.openTogether(service.workers(), name, ElementType.FLOAT64, 1, false);
    }

    @Override
    public long getAndAdd(long delta) {
        return box.getAndAdd(delta);
    }
}
