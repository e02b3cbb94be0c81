package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.memory.Region;

/**
 * The operations of {@link DirectCollective} on data in one kind of memory. Callers have checked the arguments, have
 * entered the data and the meeting point, and have started the operation there. The world has at least two ranks.
 */
interface DirectOperations {

    void allReduce(Region data, ElementType type, ReduceOp op);

    void reduceScatter(Region data, ElementType type, ReduceOp op);

    void allGather(Region data, ElementType type);

    void broadcast(Region data, int root);
}
