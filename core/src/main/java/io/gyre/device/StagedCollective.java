package io.gyre.device;

import io.gyre.Collective;
import io.gyre.ElementType;
import io.gyre.MemoryBox;
import io.gyre.ReduceOp;
import io.gyre.Region;
import io.gyre.World;
import org.jspecify.annotations.Nullable;

/**
 * A collective over gradients of a device. For parts of the memory that {@link StagedGradients} fills it waits until they are on
 * the host, lets another collective combine them there, and begins to copy the result back, while the next part is combined. For
 * other memory it is the other collective.
 */
public final class StagedCollective implements Collective {

    private final Collective onHost;
    private @Nullable StagedGradients staged;

    /**
     * Wraps a collective.
     *
     * @param onHost borrowed until this is closed, and then closed
     */
    public StagedCollective(Collective onHost) {
        this.onHost = onHost;
    }

    /** Says whose memory it is about; null for nobody's. The gradients are borrowed. */
    public void attach(@Nullable StagedGradients gradients) {
        staged = gradients;
    }

    /** Waits for a part that comes from the device; returns its offset there, or -1 if it does not. */
    private long await(Region data) {
        if (staged == null || !staged.isOpen()) {
            return -1;
        }
        long offset = data.offsetIn(staged.region());
        if (offset >= 0) {
            staged.awaitHost(offset, data.byteLength());
        }
        return offset;
    }

    private void giveBack(Region data, long offset) {
        if (offset >= 0 && staged != null) {
            staged.giveBack(offset, data.byteLength());
        }
    }

    @Override
    public World world() {
        return onHost.world();
    }

    @Override
    public MemoryBox allocate(String name, long byteLength) {
        return onHost.allocate(name, byteLength);
    }

    @Override
    public void allReduce(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        long offset = await(data);
        onHost.allReduce(data, type, op, step, bucket);
        giveBack(data, offset);
    }

    /** What it leaves is not whole, and stays on the host: {@link #allGather} gives it back. */
    @Override
    public void reduceScatter(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        await(data);
        onHost.reduceScatter(data, type, op, step, bucket);
    }

    @Override
    public void allGather(Region data, ElementType type, long step, int bucket) {
        long offset = await(data);
        onHost.allGather(data, type, step, bucket);
        giveBack(data, offset);
    }

    @Override
    public void broadcast(Region data, int root, long step, int bucket) {
        long offset = await(data);
        onHost.broadcast(data, root, step, bucket);
        giveBack(data, offset);
    }

    @Override
    public void barrier(long step) {
        onHost.barrier(step);
    }

    @Override
    public void weightedMean(Region data, ElementType type, double weight, long step, int bucket) {
        long offset = await(data);
        onHost.weightedMean(data, type, weight, step, bucket);
        giveBack(data, offset);
    }

    @Override
    public void close() {
        onHost.close();
    }
}
