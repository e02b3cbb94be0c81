package io.gyre.paramserver;

import io.gyre.ElementType;
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

    /** Number of changes that it has seen; of parameters in training, the number of updates. */
    long version() {
        return trained == null ? memory.changes() : trained.updates();
    }

    /** Whether it was made by this very request, which has then come twice. */
    boolean isOf(int rank, Request request) {
        return creator == rank && creation.equals(request);
    }

    /** In words, for errors. */
    String description() {
        return "'" + name + "' (" + elements + " elements of " + type + (trained == null ? "" : ", in training") + ")";
    }
}
