package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.ProtocolException;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import io.gyre.openblas.FastKernels;
import io.gyre.paramserver.CopyMessage.BufferState;
import io.gyre.paramserver.CopyMessage.TrainedState;
import io.gyre.paramserver.Request.Accumulate;
import io.gyre.paramserver.Request.Change;
import io.gyre.paramserver.Request.EncodedPush;
import io.gyre.paramserver.Request.FetchAndAdd;
import io.gyre.paramserver.Request.MappedPush;
import io.gyre.paramserver.Request.OfBuffer;
import io.gyre.paramserver.Request.OfTraining;
import io.gyre.paramserver.Request.Push;
import io.gyre.paramserver.Request.Write;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A server's shard of a buffer: its content, its training if it holds parameters, and a record of the changes by each
 * client.
 */
final class Shard {

    /**
     * Identifies the creation of a shard. A repeated request is the same creation; a second call of a program that
     * creates a buffer twice is not.
     *
     * @param rank that has created it
     * @param incarnation of that rank
     * @param call number of the call among those of that process to this server
     */
    record Creation(int rank, long incarnation, long call) {

        /** Whether this is of a process that has been replaced, and whose successor makes the same calls again. */
        boolean isOfPredecessor(Creation other) {
            return rank == other.rank && incarnation < other.incarnation;
        }
    }

    private final int number;
    private final BufferSpec buffer;
    private final StripedMemory memory;
    private final @Nullable TrainedShard trained;
    private final PushBoxes pushBoxes;
    private final Creation creation;
    private final Kernels kernels = FastKernels.choose();
    private final ChangeLedger ledger = new ChangeLedger();

    /**
     * Creates a shard.
     *
     * @param number of the buffer on this server
     * @param memory this server's part of it; its creator frees it
     * @param trained its training; null if it has none
     * @param creation the request that created it
     */
    Shard(
            int number,
            BufferSpec buffer,
            StripedMemory memory,
            @Nullable TrainedShard trained,
            PushBoxes pushBoxes,
            Creation creation) {
        this.number = number;
        this.buffer = buffer;
        this.memory = memory;
        this.trained = trained;
        this.pushBoxes = pushBoxes;
        this.creation = creation;
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
            throw new IllegalStateException("training of " + buffer + " was checked and has ended");
        }
        return known;
    }

    /** Number of changes; of parameters in training, the number of updates. */
    long version() {
        return trained == null ? memory.changes() : trained.updates();
    }

    /** Its state, without vectors. */
    BufferState state() {
        List<TrainedState> training =
                Stream.ofNullable(trained).map(TrainedShard::state).toList();
        return new BufferState(number, buffer, creation, memory.changes(), ledger.state(), training);
    }

    /** Continues from the state of another copy. */
    void restore(BufferState state) {
        memory.countFrom(state.changes());
        ledger.restore(state.ledger());
        if (trained != null) {
            state.training().forEach(trained::restore);
        }
    }

    /** The call that created it. */
    Creation creation() {
        return creation;
    }

    /** Lets a client use it. */
    Reply.Opened open(int rank, long incarnation) {
        ledger.opened(rank, incarnation);
        if (isTrained()) {
            pushBoxes.add(rank);
        }
        return new Reply.Opened(number, version(), ledger.lastSequence(rank), memory.box(), pushBoxes.name(rank));
    }

    /**
     * What is wrong with a request about this shard, or null.
     *
     * @param worker the client's index among those that push; -1 if it does not push
     * @param dataBytes number of bytes of data that follow
     */
    @Nullable String objection(OfBuffer<?> request, int worker, long dataBytes) {
        if (request instanceof OfTraining) {
            if (!isTrained()) {
                return "buffer " + buffer + " holds no parameters in training: there is no " + request.inWords();
            }
            if (worker < 0) {
                return "buffer " + buffer + " is trained by the leads of groups: there is no " + request.inWords()
                        + " by another rank";
            }
        }
        if ((request instanceof Request.ReadSlot read && !training().hasSlot(read.slot()))
                || (request instanceof Request.WriteSlot write && !training().hasSlot(write.slot()))) {
            return "buffer " + buffer + " has an optimiser of " + training().slots() + " slots: there is no " + request;
        }
        if ((request instanceof Accumulate || request instanceof FetchAndAdd) && isTrained()) {
            return "buffer " + buffer + " is changed by pushes only: there is no " + request.inWords() + " for it";
        }
        if (request instanceof FetchAndAdd && (buffer.type() != ElementType.FLOAT64 || byteLength() == 0)) {
            return "buffer " + buffer + " is no counter: that has elements of FLOAT64, and one in this shard at least";
        }
        String wrong = request instanceof EncodedPush
                ? training().objectionToEncoded(dataBytes)
                : objection(request.carriesData() ? byteLength() : 0, dataBytes);
        return wrong == null
                ? null
                : "buffer " + buffer + " has " + byteLength() + " bytes in this shard: with " + request.inWords()
                        + " come " + wrong;
    }

    private static @Nullable String objection(long due, long dataBytes) {
        return dataBytes == due ? null : due + " bytes of data, not " + dataBytes;
    }

    /**
     * Applies a change, unless it was applied before.
     *
     * @param data sent with it; may be overwritten
     * @return the reply to its client; null if it expects none
     * @throws ProtocolException if a gradient is not encoded as agreed; nothing has changed
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

    private Region decoded(ClientLink client, Push push, Region data) {
        try {
            return training().decode(data, push.origin());
        } catch (ProtocolException e) {
            ProtocolException named = new ProtocolException("rank " + client.rank() + " sent a " + push.inWords()
                    + " to buffer " + buffer + " that cannot be decoded: " + e.getMessage());
            named.initCause(e);
            throw named;
        }
    }

    private Reply apply(ClientLink client, Change<?> change, Region data) {
        if (change instanceof FetchAndAdd count) {
            return new Reply.Counted((long) memory.getAndAdd((double) count.delta()));
        }
        if (change instanceof Push push) {
            Region gradient = push instanceof EncodedPush ? decoded(client, push, data) : data;
            training().push(client.worker(), gradient, push.origin());
        } else if (change instanceof Request.WriteSlot slot) {
            training().writeSlot(slot.slot(), data);
        } else if (change instanceof Write) {
            memory.write(0, data);
        } else if (change instanceof Accumulate) {
            memory.accumulate(kernels, buffer.type(), 0, data);
        }
        return new Reply.Applied(version());
    }
}
