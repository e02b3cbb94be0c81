package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import io.gyre.kernel.Kernels;
import io.gyre.openblas.FastKernels;
import io.gyre.paramserver.Request.Accumulate;
import io.gyre.paramserver.Request.Change;
import io.gyre.paramserver.Request.FetchAndAdd;
import io.gyre.paramserver.Request.MappedPush;
import io.gyre.paramserver.Request.OfBuffer;
import io.gyre.paramserver.Request.OfTraining;
import io.gyre.paramserver.Request.Push;
import io.gyre.paramserver.Request.Write;
import org.jspecify.annotations.Nullable;

/** A server's shard of a buffer: its content, its training if it is one of parameters, and what has been changed by whom. */
final class Shard {

    private final int number;
    private final BufferSpec buffer;
    private final StripedMemory memory;
    private final @Nullable TrainedShard trained;
    private final PushBoxes pushBoxes;
    private final int creator;
    private final long creatorIncarnation;
    private final Kernels kernels = FastKernels.choose();
    private final ChangeLedger ledger = new ChangeLedger();

    /**
     * Makes a shard.
     *
     * @param number of the buffer on this server
     * @param memory this server's part of it; whoever made it frees it
     * @param trained its training; null if it has none
     * @param creator rank that has asked for it
     * @param creatorIncarnation of that rank
     */
    Shard(
            int number,
            BufferSpec buffer,
            StripedMemory memory,
            @Nullable TrainedShard trained,
            PushBoxes pushBoxes,
            int creator,
            long creatorIncarnation) {
        this.number = number;
        this.buffer = buffer;
        this.memory = memory;
        this.trained = trained;
        this.pushBoxes = pushBoxes;
        this.creator = creator;
        this.creatorIncarnation = creatorIncarnation;
    }

    int number() {
        return number;
    }

    BufferSpec buffer() {
        return buffer;
    }

    StripedMemory memory() {
        return memory;
    }

    /** Length in bytes. */
    long byteLength() {
        return memory.data().byteLength();
    }

    PushBoxes pushBoxes() {
        return pushBoxes;
    }

    boolean isTrained() {
        return trained != null;
    }

    /** The training of parameters. */
    TrainedShard training() {
        TrainedShard known = trained;
        if (known == null) {
            throw new IllegalStateException("training of " + buffer + " was checked and is gone");
        }
        return known;
    }

    /** Number of changes that it has seen; of parameters in training, the number of updates. */
    long version() {
        return trained == null ? memory.changes() : trained.updates();
    }

    /** Whether it was created by this very request, which has then come twice. */
    boolean wasCreatedBy(int rank, Request.Create request) {
        return creator == rank && creatorIncarnation == request.incarnation() && buffer.equals(request.buffer());
    }

    /** Whether it was created by an earlier process of the same rank: a restarted worker makes the same calls again. */
    boolean wasCreatedByPredecessor(int rank, Request.Create request) {
        return creator == rank && creatorIncarnation < request.incarnation();
    }

    /** Lets a client use it. */
    Reply.Opened open(int rank, long incarnation) {
        ledger.restarted(rank, incarnation);
        if (isTrained()) {
            pushBoxes.add(rank);
        }
        return new Reply.Opened(number, version(), ledger.lastSequence(rank), memory.box(), pushBoxes.name(rank));
    }

    /**
     * What is wrong with a request about this shard, or null.
     *
     * @param worker the client's place among those that push; -1 if it does not
     * @param dataBytes how many bytes of data follow
     */
    @Nullable String objection(OfBuffer<?> request, int worker, long dataBytes) {
        if (request instanceof OfTraining) {
            if (!isTrained()) {
                return "buffer " + buffer + " holds no parameters in training: there is no " + request.inWords();
            }
            if (worker < 0) {
                return "buffer " + buffer + " is trained by the leads of groups alone: there is no " + request.inWords()
                        + " for other ranks";
            }
        }
        if ((request instanceof Accumulate || request instanceof FetchAndAdd) && isTrained()) {
            return "buffer " + buffer + " is changed by pushes only";
        }
        if (request instanceof FetchAndAdd && (buffer.type() != ElementType.FLOAT64 || byteLength() == 0)) {
            return "buffer " + buffer + " is no counter";
        }
        long due = request.carriesData() ? byteLength() : 0;
        return dataBytes == due
                ? null
                : "buffer " + buffer + " has " + byteLength() + " bytes in this shard: " + request.inWords()
                        + " comes with " + due + " bytes of data, not " + dataBytes;
    }

    /**
     * Applies a change, unless that was done before.
     *
     * @param data that came with it; may be overwritten
     * @return what its client is to be told; null if it expects nothing
     */
    @Nullable Reply change(ClientLink client, Change<?> change, Region data) {
        Region argument = change instanceof MappedPush push ? mapped(client, push) : data;
        if (argument == null) {
            return new Reply.Refused("buffer " + buffer + ": rank " + client.rank()
                    + " has no push box of the name in its request, " + change + ", but '"
                    + pushBoxes.name(client.rank()) + "'");
        }
        return switch (ledger.judge(client.rank(), change.id())) {
            case APPLY -> {
                Reply reply = apply(client, change, argument);
                ledger.applied(client.rank(), change.id(), reply);
                yield reply;
            }
            case REPEATED -> ledger.reply(client.rank());
            case OUTDATED -> null;
            case REFUSED ->
                new Reply.Refused("buffer " + buffer + ": change " + change.id().sequence() + " of process "
                        + change.id().incarnation() + " of rank " + client.rank() + " came after change "
                        + ledger.lastSequence(client.rank()) + ", or after a restart of that rank");
        };
    }

    private @Nullable Region mapped(ClientLink client, MappedPush push) {
        StripedMemory box = pushBoxes.find(client.rank(), push.box());
        return box == null ? null : box.data();
    }

    private Reply apply(ClientLink client, Change<?> change, Region data) {
        if (change instanceof FetchAndAdd count) {
            return new Reply.Counted((long) memory.getAndAdd((double) count.delta()));
        }
        if (change instanceof Push push) {
            training().push(client.worker(), data, push.origin());
        } else if (change instanceof Write) {
            memory.write(0, data);
        } else if (change instanceof Accumulate) {
            memory.accumulate(kernels, buffer.type(), 0, data);
        }
        return new Reply.Applied(version());
    }
}
