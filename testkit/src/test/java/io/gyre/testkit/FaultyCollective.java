package io.gyre.testkit;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.memory.Region;
import io.gyre.network.Endpoint;

/** A {@link StarCollective} with one typical programming error. */
final class FaultyCollective extends StarCollective {

    /** The fault. */
    enum Fault {
        NONE,
        TAKES_MIN_FOR_MAX,
        FORGETS_THE_LAST_ELEMENT,
        WRITES_BEHIND_THE_END,
        ROUNDS_ON_ONE_RANK,
        LEAVES_THE_BARRIER_AT_ONCE,
        BROADCASTS_FROM_RANK_0,
        IGNORES_THE_STEP
    }

    private final Fault fault;

    FaultyCollective(Endpoint endpoint, Fault fault) {
        super(endpoint);
        this.fault = fault;
    }

    @Override
    public void allReduce(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        boolean max = fault == Fault.TAKES_MIN_FOR_MAX && op == ReduceOp.MAX;
        long length = data.byteLength();
        if (fault == Fault.FORGETS_THE_LAST_ELEMENT && length > type.bytes()) {
            length -= type.bytes();
        }
        long sent = fault == Fault.IGNORES_THE_STEP ? 0 : step;
        super.allReduce(data.slice(0, length), type, max ? ReduceOp.MIN : op, sent, bucket);
        if (fault == Fault.WRITES_BEHIND_THE_END && length > 0) {
            data.window(length).putFloat(data.windowOffset(length), 0);
        }
        if (fault == Fault.ROUNDS_ON_ONE_RANK && world().rank() == 1 && type == ElementType.FLOAT32) {
            for (long at = 0; at < length; at += Float.BYTES) {
                data.putFloat(at, data.getFloat(at) + (1 << 20) - (1 << 20));
            }
        }
    }

    @Override
    public void barrier(long step) {
        if (fault != Fault.LEAVES_THE_BARRIER_AT_ONCE) {
            super.barrier(step);
        }
    }

    @Override
    public void broadcast(Region data, int root, long step, int bucket) {
        super.broadcast(data, fault == Fault.BROADCASTS_FROM_RANK_0 && root < world().size() ? 0 : root, step, bucket);
    }
}
