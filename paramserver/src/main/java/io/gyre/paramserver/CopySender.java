package io.gyre.paramserver;

import io.gyre.ProtocolException;
import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import io.gyre.paramserver.CopyMessage.Ended;
import io.gyre.paramserver.CopyMessage.Passed;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The side of a primary: sends its backup what changes the shard, in order, and keeps each message until it has been
 * answered.
 */
final class CopySender {

    /**
     * What waits for the backup: to be sent, or for its answer.
     *
     * @param data that follow the message; asked for when it is sent, and may then be read from where they lie
     * @param client whose request it is; null if it is none
     * @param taken memory of the client, to be given back; empty if there is none
     */
    record Waiting(CopyMessage message, Supplier<Region> data, @Nullable ClientLink client, Region taken) {

        /** Whether it is a part of a state, and not a change. */
        boolean isState() {
            return !(message instanceof Passed) && !(message instanceof Ended);
        }

        private boolean isOf(ClientLink other, Request.Change<?> change) {
            return client == other
                    && message instanceof Passed passed
                    && passed.request() instanceof Request.Change<?> own
                    && own.buffer() == change.buffer()
                    && own.id().equals(change.id());
        }
    }

    private final ServerMessageCodec codec = new ServerMessageCodec();
    private final Deque<Waiting> unsent = new ArrayDeque<>();
    private final Deque<Waiting> unanswered = new ArrayDeque<>();
    private @Nullable Outgoing sending;
    private long sent;
    private long answered;

    /** Sends a request of a client. */
    void send(ClientLink client, long call, Request<?> request, Region data) {
        Region taken = data.byteLength() == 0 ? ShardServer.NOTHING : client.handOver();
        unsent.add(new Waiting(new Passed(client.rank(), call, request), () -> data, client, taken));
    }

    /** Sends a message without data. */
    void send(CopyMessage message) {
        send(message, () -> ShardServer.NOTHING);
    }

    private void send(CopyMessage message, Supplier<Region> data) {
        unsent.add(new Waiting(message, data, null, ShardServer.NOTHING));
    }

    /**
     * Sends the state of all buffers, from where it lies: it must not change before the last of it has been sent, as it
     * does not if what follows is carried out here after the backup has answered.
     */
    void sendState(ShardTable table, boolean anyLeft) {
        send(new CopyMessage.BeginState(table.nextNumber(), anyLeft));
        for (Shard shard : table.all()) {
            Region vector = shard.memory().data();
            send(shard.state(), () -> vector);
            if (shard.isTrained()) {
                sendTraining(shard, shard.training());
            }
        }
        send(new CopyMessage.EndState());
    }

    /** All slots are read into the same memory, each when the one before has been sent. */
    private void sendTraining(Shard shard, TrainedShard training) {
        Region sum = training.sum();
        if (sum != null) {
            send(new CopyMessage.SumState(shard.number()), () -> sum);
        }
        Region copy = Region.allocate("slots for a backup", training.slots() == 0 ? 0 : shard.byteLength());
        for (int slot = 0; slot < training.slots(); slot++) {
            int number = slot;
            send(new CopyMessage.SlotState(shard.number(), slot), () -> {
                training.readSlot(number, copy);
                return copy;
            });
        }
    }

    /** Sends what the link accepts now. Returns the number of frames. */
    int advance(FrameSender sender) {
        int frames = 0;
        for (Waiting next = unsent.peek(); next != null; next = unsent.peek()) {
            Outgoing message = sending;
            if (message == null) {
                Region data = next.data.get();
                message = Outgoing.toBackup(++sent, next.message, data.byteLength() == 0 ? null : data);
                sending = message;
            }
            frames += message.advance(sender, codec);
            if (!message.isSent()) {
                return frames;
            }
            sending = null;
            unanswered.add(unsent.remove());
        }
        return frames;
    }

    /** The message that the backup answers with a frame: the first without an answer. */
    Waiting answeredBy(Frame frame) {
        Waiting first = unanswered.poll();
        if (first == null || frame.step() != ++answered) {
            throw new ProtocolException("a backup answered message " + frame.step() + ", and message " + answered
                    + " of " + sent + " was due");
        }
        return first;
    }

    /** Forgets the backup, and returns what it has not answered, in order. */
    List<Waiting> reset() {
        List<Waiting> all = new ArrayList<>(unanswered);
        all.addAll(unsent);
        unanswered.clear();
        unsent.clear();
        sending = null;
        sent = 0;
        answered = 0;
        return all;
    }

    boolean hasUnsent() {
        return !unsent.isEmpty();
    }

    boolean isEmpty() {
        return unsent.isEmpty() && unanswered.isEmpty();
    }

    /** Whether a part of a state has not been answered. */
    boolean hasState() {
        return unsent.stream().anyMatch(Waiting::isState) || unanswered.stream().anyMatch(Waiting::isState);
    }

    /** Number of requests of a client that have not been answered. */
    int of(ClientLink client) {
        return count(unsent, client) + count(unanswered, client);
    }

    private static int count(Deque<Waiting> some, ClientLink client) {
        int count = 0;
        for (Waiting each : some) {
            count += each.client == client ? 1 : 0;
        }
        return count;
    }

    /** Whether a change of a client has not been answered. */
    boolean holds(ClientLink client, Request.Change<?> change) {
        return isIn(unsent, client, change) || isIn(unanswered, client, change);
    }

    private static boolean isIn(Deque<Waiting> some, ClientLink client, Request.Change<?> change) {
        for (Waiting each : some) {
            if (each.isOf(client, change)) {
                return true;
            }
        }
        return false;
    }
}
