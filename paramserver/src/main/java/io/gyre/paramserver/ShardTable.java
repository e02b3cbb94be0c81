package io.gyre.paramserver;

import io.gyre.GyreException;
import io.gyre.paramserver.CopyMessage.BufferState;
import io.gyre.paramserver.Reply.Refused;
import io.gyre.paramserver.Request.Create;
import io.gyre.paramserver.Request.Open;
import io.gyre.paramserver.Shard.Creation;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The buffers of one server: creates, finds and frees its shard of each.
 *
 * <p>Memory: each shard once, {@link TrainedShard#copies} times for parameters in training, and its {@link PushBoxes}.
 */
final class ShardTable {

    private final int index;
    private final int servers;
    private final List<Integer> workers;
    private final @Nullable Training training;
    private final MemoryBudget budget;
    private final Allocator allocator;
    private final Map<String, Shard> byName = new TreeMap<>();
    private final Map<Integer, Shard> byNumber = new TreeMap<>();
    private int nextNumber;

    /** Allocates a server's memory. */
    interface Allocator {

        /**
         * Allocates zeroed memory.
         *
         * @param shared whether clients on this host may read and change it directly
         */
        StripedMemory allocate(String purpose, long bytes, boolean shared);

        /** Whether a client can map shared memory. */
        boolean isNear(int rank);

        /** Frees the memory. */
        void free(StripedMemory memory);
    }

    /**
     * Creates a table without buffers.
     *
     * @param index of this server
     * @param workers ranks that push, in the order of their clocks
     * @param training how parameters are trained; null if none are
     * @param budget charged for shards
     * @param allocator of shards
     */
    ShardTable(
            int index,
            int servers,
            List<Integer> workers,
            @Nullable Training training,
            MemoryBudget budget,
            Allocator allocator) {
        this.index = index;
        this.servers = servers;
        this.workers = workers;
        this.training = training;
        this.budget = budget;
        this.allocator = allocator;
    }

    MemoryBudget budget() {
        return budget;
    }

    Collection<Shard> all() {
        return byNumber.values();
    }

    @Nullable Shard find(int number) {
        return byNumber.get(number);
    }

    /** The shard of a buffer that was found when its request was checked. */
    Shard get(int number) {
        Shard shard = byNumber.get(number);
        if (shard == null) {
            throw new IllegalStateException("buffer " + number + " was checked and does not exist");
        }
        return shard;
    }

    /**
     * Creates or finds a buffer.
     *
     * @param call number of the request's call: a repeated request creates one buffer
     */
    Reply open(int rank, long call, Open request) {
        BufferSpec wanted = request.spec();
        return request instanceof Create
                ? create(wanted, new Creation(rank, request.incarnation(), call))
                : attach(wanted, rank, request.incarnation());
    }

    /** Number of the next buffer. */
    int nextNumber() {
        return nextNumber;
    }

    /** Forgets all buffers, to continue from the state of another copy. */
    void restart(int ofNextNumber) {
        List.copyOf(byNumber.values()).forEach(this::free);
        nextNumber = ofNextNumber;
    }

    /** Takes in a buffer of another copy, without its vectors. Returns why there is no room for it, or null. */
    @Nullable String restore(BufferState state) {
        int next = nextNumber;
        nextNumber = state.number();
        Reply reply = allocate(state.spec(), state.creation());
        nextNumber = next;
        if (reply instanceof Refused refused) {
            return refused.reason();
        }
        Shard shard = find(state.number());
        if (shard == null) {
            throw new IllegalStateException("no shard of " + state.spec() + " after it was allocated");
        }
        shard.restore(state);
        return null;
    }

    private Reply create(BufferSpec wanted, Creation creation) {
        Shard known = byName.get(wanted.name());
        if (known == null) {
            return allocate(wanted, creation);
        }
        boolean isRepeated =
                known.creation().equals(creation) || known.creation().isOfPredecessor(creation);
        return isRepeated
                ? attach(wanted, creation.rank(), creation.incarnation())
                : new Refused("there is a buffer " + known.buffer() + " already: attach it, or take another name");
    }

    private Reply attach(BufferSpec wanted, int rank, long incarnation) {
        Shard shard = byName.get(wanted.name());
        if (shard == null) {
            return new Refused(
                    "there is no buffer '" + wanted.name() + "', only " + byName.keySet() + ": create it first");
        }
        return shard.buffer().equals(wanted)
                ? shard.open(rank, incarnation)
                : new Refused("buffer " + shard.buffer() + " cannot be attached as " + wanted);
    }

    private Reply allocate(BufferSpec wanted, Creation creation) {
        if (wanted.trained() && training == null) {
            return new Refused("the servers were started without a training: give the service's builder one");
        }
        long bytes = shardBytes(wanted) * copies(wanted);
        String objection = wanted.trained() && training != null ? training.objection(wanted) : null;
        if (objection == null) {
            objection = budget.objection(bytes, "buffer '" + wanted.name() + "'");
        }
        if (objection != null) {
            return new Refused(objection);
        }
        try {
            Shard shard = newShard(wanted, creation);
            budget.take(bytes);
            byName.put(wanted.name(), shard);
            byNumber.put(shard.number(), shard);
            return shard.open(creation.rank(), creation.incarnation());
        } catch (OutOfMemoryError | GyreException e) {
            return new Refused("server " + index + " of " + servers + " has no memory for buffer '" + wanted.name()
                    + "' of " + bytes + " bytes (" + e.getMessage() + ")");
        }
    }

    private Shard newShard(BufferSpec wanted, Creation creation) {
        String purpose = "shard " + index + " of '" + wanted.name() + "'";
        Training own = wanted.trained() ? training : null;
        // With delay compensation the server must know exactly what each worker has pulled.
        boolean shared = own == null || own.delayCompensation() == 0;
        StripedMemory memory = allocator.allocate(purpose, shardBytes(wanted), shared);
        try {
            PushBoxes pushBoxes = new PushBoxes(purpose, shardBytes(wanted), budget, allocator);
            return new Shard(nextNumber++, wanted, memory, newTraining(wanted, memory, own), pushBoxes, creation);
        } catch (OutOfMemoryError | RuntimeException e) {
            allocator.free(memory);
            throw e;
        }
    }

    private @Nullable TrainedShard newTraining(BufferSpec wanted, StripedMemory memory, @Nullable Training own) {
        long offset = plan(wanted).offset(index);
        return own == null ? null : new TrainedShard(wanted.type(), memory.data(), offset, own, workers.size());
    }

    private ShardPlan plan(BufferSpec buffer) {
        Training own = buffer.trained() ? training : null;
        return own == null
                ? new ShardPlan(buffer.elements(), servers)
                : new ShardPlan(buffer.elements(), servers, own.optimizer()::border);
    }

    private long shardBytes(BufferSpec buffer) {
        return plan(buffer).length(index) * buffer.type().bytes();
    }

    private long copies(BufferSpec buffer) {
        Training own = buffer.trained() ? training : null;
        return own == null ? 1 : TrainedShard.copies(own, workers.size());
    }

    /** A client pushes no more: frees its push boxes. */
    void forget(int rank) {
        byNumber.values().forEach(shard -> shard.pushBoxes().free(rank));
    }

    /** Frees a buffer's memory and forgets it. No thread may be reading from it. */
    void free(Shard shard) {
        byName.remove(shard.buffer().name());
        byNumber.remove(shard.number());
        budget.release(shard.byteLength() * copies(shard.buffer()));
        shard.pushBoxes().freeAll();
        shard.memory().markFreed();
        allocator.free(shard.memory());
    }
}
