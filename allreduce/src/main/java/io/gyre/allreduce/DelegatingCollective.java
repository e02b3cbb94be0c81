package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Collective;

/** Collectives that are those of another object, except for what a subclass does in its own way. */
abstract class DelegatingCollective implements Collective {

    /** The other object. */
    final Collective exact;

    /**
     * Creates the collectives of one rank.
     *
     * @param exact owned, and closed with this
     */
    DelegatingCollective(Collective exact) {
        this.exact = exact;
    }

    @Override
    public final World world() {
        return exact.world();
    }

    @Override
    public MemoryBox allocate(String name, long byteLength) {
        return exact.allocate(name, byteLength);
    }

    @Override
    public void allReduce(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        exact.allReduce(data, type, op, step, bucket);
    }

    @Override
    public void reduceScatter(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        exact.reduceScatter(data, type, op, step, bucket);
    }

    @Override
    public void allGather(Region data, ElementType type, long step, int bucket) {
        exact.allGather(data, type, step, bucket);
    }

    @Override
    public void broadcast(Region data, int root, long step, int bucket) {
        exact.broadcast(data, root, step, bucket);
    }

    @Override
    public void barrier(long step) {
        exact.barrier(step);
    }

    @Override
    public void close() {
        exact.close();
    }
}
