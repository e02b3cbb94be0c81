package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.memory.Region;
import org.jspecify.annotations.Nullable;

/**
 * Operations on data in one vector that the ranks of the host have mapped: the ranks read and write each other's data
 * where they are. No copies but those that the operation itself consists of.
 */
final class InPlaceOperations implements DirectOperations {

    private final MappedVector vector;
    private final ShortAllReduce shortAllReduce;
    private final DirectAllReduce directAllReduce;
    private final DirectCopy directCopy;

    /** Operations on parts of this vector. */
    InPlaceOperations(
            MappedVector vector,
            ShortAllReduce shortAllReduce,
            DirectAllReduce directAllReduce,
            DirectCopy directCopy) {
        this.vector = vector;
        this.shortAllReduce = shortAllReduce;
        this.directAllReduce = directAllReduce;
        this.directCopy = directCopy;
    }

    MappedVector vector() {
        return vector;
    }

    /** Whether the data are in this vector. */
    boolean contains(Region data) {
        return data.offsetIn(vector.region()) >= 0;
    }

    @Override
    public void allReduce(Region data, ElementType type, ReduceOp op) {
        if (data.byteLength() <= ShortAllReduce.MAX_SHARED_BYTES) {
            shortAllReduce.run(data, type, op);
            return;
        }
        vector.enter();
        try {
            long at = data.offsetIn(vector.region());
            directAllReduce.run(vector, at, data.byteLength(), type, op, data.byteLength());
        } finally {
            vector.exit();
        }
    }

    @Override
    public void reduceScatter(Region data, ElementType type, ReduceOp op) {
        reduceScatter(data, type, op, null);
    }

    /** As {@link #reduceScatter(Region, ElementType, ReduceOp)}, with an observer; null for none. */
    void reduceScatter(Region data, ElementType type, ReduceOp op, @Nullable BlockObserver observer) {
        vector.enter();
        try {
            directAllReduce.runReduceScatter(
                    vector, data.offsetIn(vector.region()), data.byteLength(), type, op, observer);
        } finally {
            vector.exit();
        }
    }

    @Override
    public void allGather(Region data, ElementType type) {
        vector.enter();
        try {
            directCopy.runAllGather(vector, data.offsetIn(vector.region()), data.byteLength(), type);
        } finally {
            vector.exit();
        }
    }

    @Override
    public void broadcast(Region data, int root) {
        vector.enter();
        try {
            long at = data.offsetIn(vector.region());
            directCopy.runBroadcast(vector, at, vector.region(), at, data.byteLength(), root, data.byteLength());
        } finally {
            vector.exit();
        }
    }
}
