package io.gyre.paramserver;

import io.gyre.GyreException;
import io.gyre.ProtocolException;
import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import io.gyre.paramserver.CopyMessage.BeginState;
import io.gyre.paramserver.CopyMessage.BufferState;
import io.gyre.paramserver.CopyMessage.EndState;
import io.gyre.paramserver.CopyMessage.Ended;
import io.gyre.paramserver.CopyMessage.Passed;
import io.gyre.paramserver.CopyMessage.SlotState;
import io.gyre.paramserver.CopyMessage.SumState;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * The side of a backup: carries out what the primary passes on, in its order, and answers each message. Data of a state
 * arrive in their place; data of a change, in memory as long as the longest, charged to the {@link MemoryBudget}.
 */
final class CopyReceiver {

    private final ShardServer server;
    private final ServerMessageCodec codec = new ServerMessageCodec();
    private final Deque<Outgoing> answers = new ArrayDeque<>();
    private @Nullable CopyMessage arriving;
    private long number;
    private Region place = ShardServer.NOTHING;
    private Region target = ShardServer.NOTHING;
    private long arrived;

    CopyReceiver(ShardServer server) {
        this.server = server;
    }

    /** Forgets what was arriving from a primary that is lost. */
    void reset() {
        arriving = null;
        answers.clear();
    }

    boolean hasAnswers() {
        return !answers.isEmpty();
    }

    /** Sends the answers that the link accepts now. Returns the number of frames. */
    int advance(FrameSender sender) {
        int frames = 0;
        for (Outgoing next = answers.peek(); next != null; next = answers.peek()) {
            frames += next.advance(sender, codec);
            if (!next.isSent()) {
                return frames;
            }
            answers.remove();
        }
        return frames;
    }

    /** Receives a frame of the primary. Returns whether the state is complete with it. */
    boolean onFrame(Frame frame, ByteBuffer payload, int offset) {
        if (frame.chunk() == Outgoing.WORDS) {
            begin(frame, ServerMessageCodec.decodeCopy(payload, offset, frame.length()));
        } else {
            if (arriving == null || frame.step() != number || frame.length() > target.byteLength() - arrived) {
                throw new ProtocolException("the primary of a shard sent " + frame + ", of which " + arrived + " of "
                        + target.byteLength() + " bytes have come");
            }
            target.copyFrom(arrived, payload, offset, frame.length());
            arrived += frame.length();
        }
        CopyMessage message = arriving;
        if (message == null || arrived < target.byteLength()) {
            return false;
        }
        arriving = null;
        answers.add(Outgoing.reply(number, carryOut(message), null));
        return message instanceof EndState;
    }

    private void begin(Frame frame, CopyMessage message) {
        number = frame.step();
        arrived = 0;
        String objection = message instanceof BufferState state ? server.table().restore(state) : null;
        if (objection != null) {
            throw new GyreException("this rank cannot hold a backup: " + objection);
        }
        target = target(message, frame.vectorBytes());
        if (target.byteLength() != frame.vectorBytes()) {
            throw new ProtocolException("the primary of a shard sent " + message + " with " + frame.vectorBytes()
                    + " bytes of data, not " + target.byteLength());
        }
        arriving = message;
    }

    private Region target(CopyMessage message, long bytes) {
        if (message instanceof BufferState state) {
            return shard(state.number()).memory().data();
        }
        if (message instanceof SumState state) {
            Region sum = shard(state.buffer()).training().sum();
            return sum == null ? ShardServer.NOTHING : sum;
        }
        if (bytes > place.byteLength()) {
            server.table().budget().take(bytes - place.byteLength());
            place = Region.allocate("changes of the primary", bytes);
        }
        return place.slice(0, bytes);
    }

    private Shard shard(int buffer) {
        Shard shard = server.table().find(buffer);
        if (shard == null) {
            throw new ProtocolException("the primary of a shard sent a state of buffer " + buffer + ", unknown here");
        }
        return shard;
    }

    private Reply carryOut(CopyMessage message) {
        if (message instanceof Passed passed) {
            ClientLink client = server.clients().get(passed.rank());
            Reply reply = server.carryOut(client, passed.call(), passed.request(), target);
            return reply instanceof Reply.Refused ? reply : new Reply.Done();
        }
        if (message instanceof Ended ended) {
            server.finish(ended.rank());
        } else if (message instanceof BeginState state) {
            server.table().restart(state.nextNumber());
            if (state.anyLeft()) {
                server.clients().setAnyLeft();
            }
        } else if (message instanceof SlotState state) {
            shard(state.buffer()).training().writeSlot(state.slot(), target);
        }
        return new Reply.Done();
    }
}
