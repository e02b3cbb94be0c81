package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.GyreException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The buffers of one server: makes, finds and frees its shard of each.
 *
 * <p>Memory: each shard once, for parameters in training {@link TrainedShard#copies} times, and once more for each client on this
 * host, as long as there is room for it.
 */
final class ShardTable {

    private static final Logger LOG = LoggerFactory.getLogger(ShardTable.class);

    private final int index;
    private final int servers;
    private final List<Integer> workers;
    private final @Nullable Training training;
    private final MemoryBudget budget;
    private final Source source;
    private final Map<String, Shard> byName = new TreeMap<>();
    private final Map<Integer, Shard> byNumber = new TreeMap<>();
    private int nextNumber;

    /** Where a server gets its memory. */
    interface Source {

        /**
         * Allocates zeros.
         *
         * @param shared whether clients on this host may read and change it themselves
         */
        StripedMemory allocate(String purpose, long bytes, boolean shared);

        /** Whether a client can map what is shared. */
        boolean isNear(int rank);

        /** Gives them back. */
        void free(StripedMemory memory);
    }

    /**
     * Without buffers.
     *
     * @param index which of the servers this is
     * @param workers ranks that push, in the order of their clocks
     * @param training how parameters are trained; null if nothing is
     * @param budget pays for shards
     * @param source where shards lie
     */
    ShardTable(
            int index,
            int servers,
            List<Integer> workers,
            @Nullable Training training,
            MemoryBudget budget,
            Source source) {
        this.index = index;
        this.servers = servers;
        this.workers = workers;
        this.training = training;
        this.budget = budget;
        this.source = source;
    }

    /** Which of the servers this is. */
    int index() {
        return index;
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

    /** Type of the elements of a buffer that is asked for: the step says how many bytes each has. */
    private static ElementType typeOf(Request request) {
        return request.step() == ElementType.FLOAT32.bytes() ? ElementType.FLOAT32 : ElementType.FLOAT64;
    }

    /** Makes a buffer, or finds the one that an earlier copy of the same request has made. */
    Answer create(int rank, Request request) {
        Shard known = byName.get(request.text());
        if (known != null && known.isOfPredecessor(rank, request)) {
            return attach(rank, request);
        }
        if (known != null) {
            return known.isOf(rank, request)
                    ? opened(known, rank, request)
                    : Answer.failure(request.call(), "there is a buffer " + known.description() + " already");
        }
        Training wanted = request.seen() == 0 ? null : training;
        if (request.seen() != 0 && wanted == null) {
            return Answer.failure(request.call(), "the servers were started without a training");
        }
        ElementType type = typeOf(request);
        ShardPlan plan = new ShardPlan(request.length() / type.bytes(), servers);
        long bytes = plan.length(index) * type.bytes() * copies(wanted);
        String objection = budget.objection(bytes, "buffer '" + request.text() + "'");
        if (objection != null) {
            return Answer.failure(request.call(), objection);
        }
        Shard shard;
        try {
            shard = allocate(rank, request, type, plan, wanted);
        } catch (OutOfMemoryError | GyreException e) {
            return Answer.failure(
                    request.call(),
                    "server " + index + " of " + servers + " has no memory for buffer '" + request.text() + "' of "
                            + bytes + " bytes (" + e.getMessage() + ")");
        }
        budget.take(bytes);
        byName.put(shard.name(), shard);
        byNumber.put(shard.number(), shard);
        return opened(shard, rank, request);
    }

    /** Gives a client on this host a place for its pushes. Without one, or without room for it, they are sent. */
    private Answer opened(Shard shard, int rank, Request request) {
        long bytes = shard.byteLength();
        String purpose = "pushes of rank " + rank + " to shard " + index + " of '" + shard.name() + "'";
        if (shard.trained() != null
                && bytes > 0
                && source.isNear(rank)
                && !shard.places().containsKey(rank)
                && budget.objection(bytes, purpose) == null) {
            try {
                shard.places().put(rank, source.allocate(purpose, bytes, true));
                budget.take(bytes);
            } catch (OutOfMemoryError | GyreException e) {
                LOG.warn("no room for {}: they are sent ({})", purpose, e.getMessage());
            }
        }
        return shard.opened(rank, request);
    }

    /** A client pushes no more: gives its places back. */
    void forget(int rank) {
        for (Shard shard : byNumber.values()) {
            StripedMemory place = shard.places().remove(rank);
            if (place != null) {
                free(place, shard);
            }
        }
    }

    private void free(StripedMemory place, Shard shard) {
        budget.copyBack(shard.byteLength());
        source.free(place);
    }

    private Shard allocate(int rank, Request request, ElementType type, ShardPlan plan, @Nullable Training wanted) {
        // With delay compensation the server must know exactly what each worker has pulled.
        boolean shared = wanted == null || wanted.delayCompensation() == 0;
        String purpose = "shard " + index + " of '" + request.text() + "'";
        StripedMemory memory = source.allocate(purpose, plan.length(index) * type.bytes(), shared);
        TrainedShard trained = wanted == null
                ? null
                : new TrainedShard(type, memory.data(), plan.offset(index), wanted, workers.size());
        return new Shard(nextNumber++, request.text(), type, plan.elements(), memory, trained, rank, request);
    }

    private long copies(@Nullable Training wanted) {
        return wanted == null ? 1 : TrainedShard.copies(wanted, workers.size());
    }

    /** Finds a buffer, if it is the one that the client means. */
    Answer attach(int rank, Request request) {
        Shard shard = byName.get(request.text());
        if (shard == null) {
            return Answer.failure(
                    request.call(),
                    "there is no buffer '" + request.text() + "', only " + byName.keySet() + ": create it first");
        }
        ElementType type = typeOf(request);
        boolean wantsTraining = request.seen() != 0;
        if (type != shard.type()
                || request.length() != shard.elements() * type.bytes()
                || wantsTraining != (shard.trained() != null)) {
            return Answer.failure(
                    request.call(),
                    "buffer " + shard.description() + " cannot be attached as one of "
                            + request.length() / type.bytes() + " elements of " + type
                            + (wantsTraining ? ", in training" : ""));
        }
        shard.ledger().restarted(rank, request.incarnation());
        return opened(shard, rank, request);
    }

    /** Frees a buffer's memory and forgets it. Nobody may be reading from it. */
    void free(Shard shard) {
        byName.remove(shard.name());
        byNumber.remove(shard.number());
        budget.copyBack(shard.byteLength() * copies(shard.trained() == null ? null : training));
        shard.places().values().forEach(place -> free(place, shard));
        shard.places().clear();
        shard.memory().markFreed();
        source.free(shard.memory());
    }

    /** What is wrong with a request about a buffer, or null. */
    @Nullable String objection(Request request) {
        switch (request.operation()) {
            case CREATE, ATTACH, LEAVE -> {
                return null;
            }
            default -> {}
        }
        Shard shard = byNumber.get(request.buffer());
        if (shard != null) {
            return shard.objection(request, index);
        }
        return request.operation() == Operation.FREE
                ? null
                : "buffer number " + request.buffer() + " does not exist any more: it was freed";
    }
}
