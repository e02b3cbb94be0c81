package io.gyre.paramserver;

import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.paramserver.Reply.Refused;
import io.gyre.paramserver.Request.Change;
import io.gyre.paramserver.Request.Free;
import io.gyre.paramserver.Request.Leave;
import io.gyre.paramserver.Request.OfBuffer;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Serves one shard of every buffer. It has no thread and no clock: its caller passes it frames, and polls it for what
 * to send.
 *
 * <p><b>Path of a request.</b>
 *
 * <ol>
 *   <li>{@link #onFrame} decodes it.
 *   <li>{@link #begin} validates it. A request that is {@link Refused} has changed nothing.
 *   <li>If data follow, the request waits in its {@link ClientLink} until the last of them has arrived.
 *   <li>{@link #handle} has it answered if it changes nothing ({@link Answers}), at once or when its condition holds.
 *   <li>{@link #take} has a request carried out that changes something ({@link Changes}). If there is a backup, it does
 *       so first ({@link Copies}), and {@link #carryOut} follows here.
 *   <li>The reply is queued in the client's link, which sends it ({@link ClientLink#advance}).
 * </ol>
 *
 * <p>A push goes by {@link Changes} to {@link Shard}, which applies it once however often it arrives, and on to
 * {@link TrainedShard}, which turns pushes into updates.
 *
 * <p><b>Concurrency.</b> This class runs on the service's thread, one request after the other, and no request waits for
 * anything external while it is handled. Meanwhile others access shards in two places only:
 *
 * <ul>
 *   <li>Clients that have mapped a shard without training change it at any time, under the locks of
 *       {@link StripedMemory}. This class takes the same locks. It is not notified of such a change, so
 *       {@link #answerWaiting} is called in every turn of the service.
 *   <li>A client fills its push box ({@link PushBoxes}) between the reply to one push and its next push, and the server
 *       uses the box between that push and its reply. So the box needs no lock.
 * </ul>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>A change is applied, and recorded in the {@link ChangeLedger}, in one turn: there is never a moment at which
 *       only one of the two has happened.
 *   <li>After everything that changes a shard or a clock, waiting requests are tried again: none waits for a condition
 *       that already holds.
 *   <li>A client that has left or is lost delays no other. Its clock no longer counts, its requests are dropped, its
 *       memory is freed. What it has pushed stays.
 *   <li>No client makes a server grow. It has one arriving change, as long as its longest so far and charged to the
 *       {@link MemoryBudget}; {@link ClientLink#MOST_REPLIES} replies in flight, whose data are read from the shard as
 *       they are sent; and one waiting request of each kind for each buffer.
 * </ul>
 */
final class ShardServer {

    static final Region NOTHING = Region.allocate("nothing", 0);

    private final ShardTable table;
    private final Clients clients;
    private final Answers answers;
    private final Changes changes;
    private Copies copies = Copies.NONE;

    /**
     * Creates a server.
     *
     * @param workers ranks that push, in the order of their clocks
     * @param all ranks that make any requests
     * @param faults applied to replies
     */
    ShardServer(ShardTable table, List<Integer> workers, List<Integer> all, Faults faults) {
        this.table = table;
        clients = new Clients(workers, all, table.budget(), faults);
        answers = new Answers(table);
        changes = new Changes(table, clients, answers);
    }

    /** This server is one of two copies. */
    void setCopies(Copies value) {
        copies = value;
    }

    ShardTable table() {
        return table;
    }

    Clients clients() {
        return clients;
    }

    /** Receives a frame of a client. */
    boolean onFrame(int rank, Frame frame, ByteBuffer payload, int offset) {
        ClientLink client = clients.get(rank);
        if (client.hasEnded()) {
            return true;
        }
        if (frame.chunk() == Outgoing.WORDS) {
            Request<?> request = ServerMessageCodec.decodeRequest(payload, offset, frame.length());
            begin(client, frame.step(), request, frame.vectorBytes());
            return true;
        }
        Change<?> complete = client.receive(frame, payload, offset);
        if (complete != null) {
            take(client, frame.step(), complete, client.received());
        }
        return true;
    }

    private void begin(ClientLink client, long call, Request<?> request, long dataBytes) {
        client.interrupt();
        if (!copies.isPrimary()) {
            client.reply(call, new Reply.Elsewhere());
            return;
        }
        if (request instanceof Change<?> change && copies.isWaiting(client, change)) {
            // It was repeated while the backup carries it out: its reply will come.
            return;
        }
        String objection = objection(client, request, dataBytes);
        if (objection == null && dataBytes > 0 && request instanceof Change<?> change) {
            objection = client.expect(call, change, dataBytes);
        } else if (objection == null) {
            handle(client, call, request);
        }
        if (objection != null) {
            client.reply(call, new Refused(objection));
        }
    }

    private @Nullable String objection(ClientLink client, Request<?> request, long dataBytes) {
        if (!(request instanceof OfBuffer<?> ofBuffer)) {
            return dataBytes == 0 ? null : request.inWords() + " takes no data, and came with " + dataBytes + " bytes";
        }
        Shard shard = table.find(ofBuffer.buffer());
        if (shard != null) {
            return shard.objection(ofBuffer, client.worker(), dataBytes);
        }
        // A missing buffer was freed by an earlier copy of the same request.
        return request instanceof Free
                ? null
                : "buffer number " + ofBuffer.buffer() + " does not exist any more: it was freed";
    }

    private void handle(ClientLink client, long call, Request<?> request) {
        if (!Answers.isFor(request)) {
            take(client, call, request, NOTHING);
        } else if (!copies.defer(client, () -> answerLater(client, call, request))) {
            answers.answer(client, call, request);
        }
    }

    /** The buffer may have been freed since the request was checked. */
    private void answerLater(ClientLink client, long call, Request<?> request) {
        String objection = objection(client, request, 0);
        if (objection != null) {
            client.reply(call, new Refused(objection));
        } else {
            answers.answer(client, call, request);
        }
    }

    /** Carries out a complete request that changes something, unless the backup must do so first. */
    private void take(ClientLink client, long call, Request<?> request, Region data) {
        if (copies.passOn(client, call, request, data)) {
            return;
        }
        Reply reply = changes.carryOut(client, call, request, data);
        if (reply != null) {
            client.reply(call, reply);
        }
        end(client, request);
        answerWaiting();
    }

    /**
     * Carries out a request that both copies of a shard have.
     *
     * @return the reply; null if the client expects none
     */
    @Nullable Reply carryOut(ClientLink client, long call, Request<?> request, Region data) {
        // What was there when it arrived may have been freed since.
        String objection = objection(client, request, data.byteLength());
        Reply reply = objection != null ? new Refused(objection) : changes.carryOut(client, call, request, data);
        end(client, request);
        return reply;
    }

    /** A client that has left makes no more requests; its last reply is still sent. */
    private void end(ClientLink client, Request<?> request) {
        if (request instanceof Leave) {
            if (!client.hasEnded()) {
                disconnect(client);
            }
            finish(client.rank());
        }
    }

    /** Answers waiting requests that can be answered now. */
    void answerWaiting() {
        answers.retry();
    }

    /** Number of requests that wait for a condition. */
    int waiting() {
        return answers.waiting();
    }

    /** A rank has left or is lost: it pushes no more, and no other waits for it. */
    void forget(int rank) {
        ClientLink client = clients.get(rank);
        if (client.hasEnded()) {
            return;
        }
        disconnect(client);
        if (!copies.passOnEnd(rank)) {
            finish(rank);
        }
    }

    private void disconnect(ClientLink client) {
        client.leave();
        table.forget(client.rank());
        answers.forget(client);
    }

    /** No other worker waits any more for what a client would have pushed. */
    void finish(int rank) {
        int worker = clients.worker(rank);
        if (worker >= 0) {
            for (Shard shard : table.all()) {
                if (shard.isTrained()) {
                    shard.training().finish(worker);
                }
            }
            answerWaiting();
        }
    }

    /** A rank was restarted: its new process makes its requests from the beginning. */
    void restarted(int rank) {
        forget(rank);
        clients.restarted(rank);
    }

    /** Whether all workers have left or are lost, and have received their last replies. */
    boolean isDone() {
        return copies.isDone() && clients.areDone();
    }
}
