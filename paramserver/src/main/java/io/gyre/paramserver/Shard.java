package io.gyre.paramserver;

import io.gyre.ElementType;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A server's part of a named buffer. */
final class Shard {

    private final int number;
    private final String name;
    private final ElementType type;
    private final long elements;
    private final StripedMemory memory;
    private final @Nullable TrainedShard trained;
    private final int creator;
    private final Request creation;
    private final PushLedger<Answer> ledger = new PushLedger<>();

    /** Where clients on this host leave what they push, by rank. */
    private final Map<Integer, StripedMemory> places = new TreeMap<>();

    /**
     * Makes a shard.
     *
     * @param number of the buffer on this server
     * @param elements of the whole buffer
     * @param memory this server's part; whoever made it frees it
     * @param trained its training, if it is one of parameters
     * @param creator who has asked for it
     * @param creation how
     */
    Shard(
            int number,
            String name,
            ElementType type,
            long elements,
            StripedMemory memory,
            @Nullable TrainedShard trained,
            int creator,
            Request creation) {
        this.number = number;
        this.name = name;
        this.type = type;
        this.elements = elements;
        this.memory = memory;
        this.trained = trained;
        this.creator = creator;
        this.creation = creation;
    }

    int number() {
        return number;
    }

    String name() {
        return name;
    }

    ElementType type() {
        return type;
    }

    long elements() {
        return elements;
    }

    StripedMemory memory() {
        return memory;
    }

    /** Length in bytes. */
    long byteLength() {
        return memory.data().byteLength();
    }

    @Nullable TrainedShard trained() {
        return trained;
    }

    PushLedger<Answer> ledger() {
        return ledger;
    }

    /** Where clients leave what they push, by rank; those who are not in it send it. */
    Map<Integer, StripedMemory> places() {
        return places;
    }

    /** Number of changes that it has seen; of parameters in training, the number of updates. */
    long version() {
        return trained == null ? memory.changes() : trained.updates();
    }

    /** Whether it was made by this very request, which has then come twice. */
    boolean isOf(int rank, Request request) {
        return creator == rank && creation.equals(request);
    }

    /** Whether it was made by an earlier process of the same rank, which makes the same calls again. */
    boolean isOfPredecessor(int rank, Request request) {
        return creator == rank && creation.incarnation() < request.incarnation();
    }

    /** In words, for errors. */
    String description() {
        return "'" + name + "' (" + elements + " elements of " + type + (trained == null ? "" : ", in training") + ")";
    }

    /** What is wrong with a request about this buffer, or null. */
    @Nullable String objection(Request request, int server) {
        boolean ofTraining = switch (request.operation()) {
            case PUSH, PULL, FINISH, RESUME, REJOIN, STALENESS -> true;
            default -> false;
        };
        if (ofTraining && trained == null) {
            return "buffer " + description() + " holds no parameters in training: there is no " + request.operation()
                    + " for it";
        }
        boolean byPushOnly =
                request.operation() == Operation.ACCUMULATE || request.operation() == Operation.FETCH_AND_ADD;
        if (byPushOnly && trained != null) {
            return "buffer " + description() + " is changed by pushes only";
        }
        if (request.operation() == Operation.FETCH_AND_ADD && (type != ElementType.FLOAT64 || byteLength() == 0)) {
            return "buffer " + description() + " is no counter";
        }
        long bytes = byteLength();
        if (request.offset() < 0 || request.length() < 0 || request.offset() > bytes - request.length()) {
            return "buffer " + description() + " has " + bytes + " bytes in shard " + server + ": " + request.length()
                    + " from " + request.offset() + " are outside";
        }
        if (request.offset() % type.bytes() != 0 || request.length() % type.bytes() != 0) {
            return "buffer " + description() + ": " + request.length() + " bytes from " + request.offset()
                    + " are not whole elements";
        }
        return null;
    }

    /** The training of parameters. */
    TrainedShard training() {
        TrainedShard known = trained;
        if (known == null) {
            throw new IllegalStateException("training of " + description() + " was checked and is gone");
        }
        return known;
    }

    /** What a request that has been done is answered with. */
    Answer done(Request request) {
        long clock = trained == null ? 0 : trained.slowest();
        return new Answer(request.call(), false, number, version(), clock, request.sequence(), 0, "");
    }

    /** As {@link #done}, when data follow. */
    Answer withData(Request request) {
        long clock = trained == null ? 0 : trained.slowest();
        return new Answer(request.call(), false, number, version(), clock, request.sequence(), request.length(), "");
    }

    /** Tells a client what it needs to use this buffer: the number of its own last change, and the names of what it can map. */
    Answer opened(int rank, Request request) {
        long sequence = ledger.lastSequence(rank);
        Answer done = done(request);
        StripedMemory place = places.get(rank);
        String boxes = memory.shared() + (place == null ? "" : " " + place.shared());
        return new Answer(done.call(), false, number, done.version(), done.clock(), sequence, 0, boxes);
    }
}
