package io.gyre.paramserver;

import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import io.gyre.paramserver.Reply.Done;
import io.gyre.paramserver.Reply.Refused;
import io.gyre.paramserver.Request.Change;
import io.gyre.paramserver.Request.Free;
import io.gyre.paramserver.Request.Leave;
import io.gyre.paramserver.Request.OfBuffer;
import io.gyre.paramserver.Request.OfTraining;
import io.gyre.paramserver.Request.Open;
import io.gyre.paramserver.Request.Wait;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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
 *   <li>{@link #handle} replies at once, keeps the request until it can be answered ({@link WaitingRequests}), or takes
 *       a request that changes something.
 *   <li>{@link #take} opens a buffer or changes a shard ({@link Shard#change}). If there is a backup, it does so first
 *       ({@link Copies}), and {@link #carryOut} follows here.
 *   <li>The reply is queued in the client's link, and {@link #advance} sends it.
 * </ol>
 *
 * <p>A push goes from here to {@link Shard}, which applies it once however often it arrives, and on to
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
    private final List<Integer> workers;
    private final List<Integer> all;
    private final Faults faults;
    private final Map<Integer, ClientLink> clients = new TreeMap<>();
    private final WaitingRequests waiting = new WaitingRequests();
    private final WaitingRequests.Attempt attempt = this::answerIfDue;
    private Copies copies = Copies.NONE;
    private boolean anyLeft;

    /**
     * Creates a server.
     *
     * @param workers ranks that push, in the order of their clocks
     * @param all ranks that make any requests
     * @param faults applied to replies
     */
    ShardServer(ShardTable table, List<Integer> workers, List<Integer> all, Faults faults) {
        this.table = table;
        this.workers = workers;
        this.all = all;
        this.faults = faults;
    }

    /** This server is one of two copies. */
    void setCopies(Copies value) {
        copies = value;
    }

    ShardTable table() {
        return table;
    }

    /** The connection to a client. */
    ClientLink client(int rank) {
        ClientLink known = clients.get(rank);
        if (known == null) {
            known = new ClientLink(rank, workers.indexOf(rank), table.budget(), faults);
            clients.put(rank, known);
        }
        return known;
    }

    /** Receives a frame of a client. */
    boolean onFrame(int rank, Frame frame, ByteBuffer payload, int offset) {
        ClientLink client = client(rank);
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
        if (!reads(request)) {
            take(client, call, request, NOTHING);
        } else if (!copies.defer(client, () -> answerLater(client, call, request))) {
            answer(client, call, request);
        }
    }

    /** The buffer may have been freed since the request was checked. */
    private void answerLater(ClientLink client, long call, Request<?> request) {
        String objection = objection(client, request, 0);
        if (objection != null) {
            client.reply(call, new Refused(objection));
        } else {
            answer(client, call, request);
        }
    }

    private static boolean reads(Request<?> request) {
        return request instanceof Wait
                || request instanceof Request.Read
                || request instanceof Request.ReadSlot
                || request instanceof Request.CountStaleness;
    }

    private void answer(ClientLink client, long call, Request<?> request) {
        if (request instanceof Wait<?> wait) {
            if (!answerIfDue(client, call, wait)) {
                waiting.add(client, call, wait);
            }
        } else if (request instanceof Request.Read read) {
            Shard shard = shard(read);
            client.reply(
                    call, new Reply.Content(shard.version()), shard.memory().data());
        } else if (request instanceof Request.ReadSlot read) {
            TrainedShard training = shard(read).training();
            client.reply(call, new Reply.Content(training.updates()), training.slot(read.slot()));
        } else if (request instanceof Request.CountStaleness count) {
            client.reply(
                    call, new Reply.StalenessCounted(shard(count).training().staleness()));
        } else {
            throw new IllegalStateException("no handling for " + request);
        }
    }

    /** Carries out a complete request that changes something, unless the backup must do so first. */
    private void take(ClientLink client, long call, Request<?> request, Region data) {
        if (copies.passOn(client, call, request, data)) {
            return;
        }
        Reply reply = execute(client, call, request, data);
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
        Reply reply = objection != null ? new Refused(objection) : execute(client, call, request, data);
        end(client, request);
        return reply;
    }

    private @Nullable Reply execute(ClientLink client, long call, Request<?> request, Region data) {
        if (request instanceof Open open) {
            return table.open(client.rank(), call, open);
        }
        if (request instanceof Change<?> change) {
            Shard shard = table.find(change.buffer());
            return shard == null
                    ? new Refused("buffer number " + change.buffer() + " was freed while data for it came")
                    : shard.change(client, change, data);
        }
        if (request instanceof OfTraining<?> ofTraining) {
            return shard(ofTraining).training().answer(client.worker(), ofTraining);
        }
        if (request instanceof Free free) {
            free(free.buffer());
            return new Done();
        }
        if (request instanceof Leave) {
            anyLeft = true;
            return new Done();
        }
        throw new IllegalStateException("no handling for " + request);
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

    private Shard shard(OfBuffer<?> request) {
        Shard shard = table.find(request.buffer());
        if (shard == null) {
            throw new IllegalStateException("buffer " + request.buffer() + " was checked and does not exist");
        }
        return shard;
    }

    private boolean answerIfDue(ClientLink client, long call, Wait<?> request) {
        Shard shard = shard(request);
        if (request instanceof Request.AwaitVersion await) {
            boolean due = shard.version() >= await.version();
            if (due) {
                client.reply(call, new Reply.Reached(shard.version()));
            }
            return due;
        }
        if (!(request instanceof Request.BeginStep begin)) {
            throw new IllegalStateException("no handling for " + request);
        }
        TrainedShard training = shard.training();
        if (!training.mayBegin(begin.step())) {
            return false;
        }
        training.pulled(client.worker());
        Reply granted = new Reply.StepGranted(training.updates(), training.slowest());
        if (request instanceof Request.SentPull) {
            client.reply(call, granted, shard.memory().data());
        } else {
            client.reply(call, granted);
        }
        return true;
    }

    /** Answers waiting requests that can be answered now. */
    void answerWaiting() {
        waiting.retry(attempt);
    }

    /** Number of requests that wait for a condition. */
    int waiting() {
        return waiting.size();
    }

    private void free(int buffer) {
        Shard shard = table.find(buffer);
        if (shard != null) {
            // A client that is being sent a part of it repeats its request, and then learns that it was freed.
            clients.values()
                    .forEach(client -> client.dropRepliesFrom(shard.memory().data()));
            waiting.refuse(buffer, "buffer " + shard.buffer() + " was freed");
            table.free(shard);
        }
    }

    /** Whether there are replies for a rank. */
    boolean hasReplies(int rank) {
        return client(rank).hasReplies();
    }

    /** As {@link #advance}, but stops before the first reply with data. */
    int acknowledge(int rank, FrameSender sender) {
        return client(rank).advance(sender, false);
    }

    /** Sends a client what its link accepts now. Returns the number of frames. */
    int advance(int rank, FrameSender sender) {
        return client(rank).advance(sender, true);
    }

    /** A rank has left or is lost: it pushes no more, and no other waits for it. */
    void forget(int rank) {
        ClientLink client = client(rank);
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
        waiting.forget(client);
    }

    /** No other worker waits any more for what a client would have pushed. */
    void finish(int rank) {
        int worker = workers.indexOf(rank);
        if (worker >= 0) {
            for (Shard shard : table.all()) {
                if (shard.isTrained()) {
                    shard.training().finish(worker);
                }
            }
            answerWaiting();
        }
    }

    /** The clients that have ended. */
    List<Integer> ended() {
        return clients.values().stream()
                .filter(ClientLink::hasEnded)
                .map(ClientLink::rank)
                .toList();
    }

    /** Whether a client has left in good order. */
    boolean anyLeft() {
        return anyLeft;
    }

    /** As {@link #anyLeft}, by the word of the other copy. */
    void setAnyLeft(boolean value) {
        anyLeft |= value;
    }

    /** A rank was restarted: its new process makes its requests from the beginning. */
    void restarted(int rank) {
        forget(rank);
        abandon(rank);
        clients.remove(rank);
    }

    /** Drops the replies to a lost rank. */
    void abandon(int rank) {
        client(rank).abandon();
    }

    /** Whether all workers have left or are lost, and have received their last replies. */
    boolean isDone() {
        if (!copies.isDone()) {
            return false;
        }
        for (int rank : all) {
            ClientLink client = client(rank);
            if (!client.hasEnded() || client.hasReplies()) {
                return false;
            }
        }
        return true;
    }
}
