package io.gyre.paramserver;

import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import io.gyre.openblas.FastKernels;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Serves one shard of every buffer. A state machine without thread or clock: it is given frames, and asked for what it has to
 * send.
 *
 * <p>Memory: that of its {@link ShardTable}, and for each client a place for the change that is arriving, as long as its longest so
 * far, and at most {@link Client#MOST_ANSWERS} answers under way. What a client asks beyond that is dropped, and asked again later.
 */
final class ShardServer {

    private static final Region NOTHING = Region.allocate("nothing", 0);

    private final ShardTable table;
    private final List<Integer> workers;
    private final List<Integer> all;
    private final Faults faults;
    private final Kernels kernels = FastKernels.choose();
    private final Map<Integer, Client> clients = new TreeMap<>();
    private final List<Waiting> waiting = new ArrayList<>();

    /** A question that can be answered only later. */
    private record Waiting(Client client, Request request) {}

    /**
     * Creates a server.
     *
     * @param workers ranks that push, in the order of their clocks
     * @param all ranks that ask anything
     * @param faults what happens to answers
     */
    ShardServer(ShardTable table, List<Integer> workers, List<Integer> all, Faults faults) {
        this.table = table;
        this.workers = workers;
        this.all = all;
        this.faults = faults;
    }

    private Client client(int rank) {
        Client known = clients.get(rank);
        if (known == null) {
            known = new Client(rank, table.budget(), faults);
            clients.put(rank, known);
        }
        return known;
    }

    /** Takes a frame of a client. */
    boolean onFrame(int rank, Frame frame, ByteBuffer payload, int offset) {
        Client client = client(rank);
        if (client.isGone()) {
            return true;
        }
        if (frame.chunk() == Outgoing.WORDS) {
            begin(client, Request.decode(payload, offset, frame.length()));
            return true;
        }
        Request complete = client.take(frame, payload, offset);
        if (complete != null) {
            change(client, complete, client.data(complete));
        }
        return true;
    }

    private void begin(Client client, Request request) {
        client.interrupt();
        String objection = table.objection(request);
        if (objection == null && request.dataBytes() > 0) {
            objection = client.expect(request);
        } else if (objection == null) {
            handle(client, request);
        }
        if (objection != null) {
            client.answer(Answer.failure(request.call(), objection));
        }
    }

    private void handle(Client client, Request request) {
        switch (request.operation()) {
            case CREATE -> client.answer(table.create(client.rank(), request));
            case ATTACH -> client.answer(table.attach(client.rank(), request));
            case LEAVE -> {
                client.answer(new Answer(request.call(), false, -1, 0, 0, 0, 0, ""));
                forget(client.rank());
            }
            case FREE -> {
                Shard shard = table.find(request.buffer());
                // One that is gone was freed by an earlier copy of this request.
                if (shard != null) {
                    free(shard);
                }
                client.answer(new Answer(request.call(), false, -1, 0, 0, 0, 0, ""));
            }
            default -> handle(client, request, shard(request));
        }
    }

    private void handle(Client client, Request request, Shard shard) {
        switch (request.operation()) {
            case READ -> client.answer(shard.withData(request), shard.memory().data(), request.offset());
            case WRITE, ACCUMULATE, FETCH_AND_ADD -> change(client, request, NOTHING);
            case PUSH -> pushed(client, request, shard);
            case AWAIT, PULL -> {
                if (!answerIfPossible(client, request, shard)) {
                    await(new Waiting(client, request));
                }
            }
            case FINISH -> {
                shard.training().finish(worker(client));
                client.answer(shard.done(request));
                answerWaiting();
            }
            case RESUME -> {
                shard.training().resume(worker(client), request.step());
                client.answer(shard.done(request));
            }
            case REJOIN -> {
                long clock = shard.training().rejoin(worker(client), request.step());
                client.answer(new Answer(request.call(), false, shard.number(), clock, 0, 0, 0, ""));
            }
            case STALENESS -> {
                String text = shard.training().staleness().text();
                client.answer(new Answer(request.call(), false, shard.number(), 0, 0, 0, 0, text));
            }
            default -> throw new IllegalStateException("no handling for " + request.operation());
        }
    }

    /** Takes a push whose data lie in shared memory; or one without, to an empty shard. */
    private void pushed(Client client, Request request, Shard shard) {
        if (!request.isLeft()) {
            change(client, request, NOTHING);
            return;
        }
        StripedMemory place = shard.places().get(client.rank());
        if (place == null || !place.shared().equals(request.text()) || request.length() != shard.byteLength()) {
            client.answer(Answer.failure(
                    request.call(),
                    "a push of " + request.length() + " bytes to buffer " + shard.description()
                            + " is said to lie in box '" + request.text() + "', which is not where rank "
                            + client.rank() + " leaves its pushes"));
            return;
        }
        change(client, request, place.data());
    }

    /** A client waits for one thing of each kind at most: its new question replaces the one before. */
    private void await(Waiting question) {
        waiting.removeIf(other -> other.client == question.client
                && other.request.operation() == question.request.operation()
                && other.request.buffer() == question.request.buffer());
        waiting.add(question);
    }

    private Shard shard(Request request) {
        Shard shard = table.find(request.buffer());
        if (shard == null) {
            throw new IllegalStateException("buffer " + request.buffer() + " was checked and is gone");
        }
        return shard;
    }

    private int worker(Client client) {
        return workers.indexOf(client.rank());
    }

    private void free(Shard shard) {
        // Whoever is being sent a part of it asks again, and then learns that it is gone.
        clients.values().forEach(client -> client.dropAnswersFrom(shard.memory().data()));
        table.free(shard);
        List<Waiting> orphans = waiting.stream()
                .filter(each -> each.request.buffer() == shard.number())
                .toList();
        waiting.removeAll(orphans);
        for (Waiting orphan : orphans) {
            String reason = "buffer " + shard.description() + " was freed";
            orphan.client.answer(Answer.failure(orphan.request.call(), reason));
        }
    }

    /** Applies a change, unless that was done before, and answers as it was answered then. */
    private void change(Client client, Request request, Region data) {
        Shard shard = table.find(request.buffer());
        if (shard == null) {
            String reason = "buffer " + request.buffer() + " was freed meanwhile";
            client.answer(Answer.failure(request.call(), reason));
            return;
        }
        PushLedger<Answer> ledger = shard.ledger();
        switch (ledger.judge(client.rank(), request.incarnation(), request.sequence())) {
            case APPLY -> {
                Answer answer = apply(client, request, shard, data);
                ledger.applied(client.rank(), request.incarnation(), request.sequence(), answer);
                client.answer(answer);
                answerWaiting();
            }
            case REPEATED -> client.answer(ledger.answer(client.rank()).to(request.call()));
            case OUTDATED -> {}
            case REFUSED ->
                client.answer(Answer.failure(
                        request.call(),
                        "change number " + request.sequence() + " of process " + request.incarnation()
                                + " came after number " + ledger.lastSequence(client.rank())
                                + ", or after a change of its successor"));
        }
    }

    private Answer apply(Client client, Request request, Shard shard, Region data) {
        switch (request.operation()) {
            case WRITE -> shard.memory().write(request.offset(), data);
            case ACCUMULATE -> shard.memory().accumulate(kernels, shard.type(), request.offset(), data);
            case PUSH -> shard.training().push(worker(client), data, request);
            case FETCH_AND_ADD -> {
                long before = (long) shard.memory().getAndAdd((double) request.step());
                return new Answer(request.call(), false, shard.number(), before, 0, request.sequence(), 0, "");
            }
            default -> throw new IllegalStateException(request.operation() + " is no change");
        }
        return shard.done(request);
    }

    private boolean answerIfPossible(Client client, Request request, Shard shard) {
        if (request.operation() == Operation.PULL) {
            if (!shard.training().mayBegin(request.step())) {
                return false;
            }
            shard.training().pulled(worker(client));
            client.answer(shard.withData(request), shard.memory().data(), request.offset());
            return true;
        }
        if (shard.version() < request.step()) {
            return false;
        }
        client.answer(shard.done(request));
        return true;
    }

    /** Answers what could not be answered before; clients may have changed a shard in the memory that they share with it. */
    void answerWaiting() {
        for (Iterator<Waiting> each = waiting.iterator(); each.hasNext(); ) {
            Waiting next = each.next();
            if (answerIfPossible(next.client, next.request, shard(next.request))) {
                each.remove();
            }
        }
    }

    /** How many questions wait for something to happen. */
    int waiting() {
        return waiting.size();
    }

    /** Whether there is something to send to a rank. */
    boolean hasAnswers(int rank) {
        return client(rank).answers() > 0;
    }

    /** As {@link #advance}, but ends before the first answer with data. */
    int acknowledge(int rank, FrameSender sender) {
        return client(rank).advance(sender, false);
    }

    /** Sends a client what its link takes now. Returns how many frames that were. */
    int advance(int rank, FrameSender sender) {
        return client(rank).advance(sender, true);
    }

    /** A rank has left or died: it pushes no more, and nobody waits for it. */
    void forget(int rank) {
        Client client = client(rank);
        if (client.isGone()) {
            return;
        }
        client.leave();
        table.forget(rank);
        waiting.removeIf(each -> each.client == client);
        int worker = workers.indexOf(rank);
        if (worker >= 0) {
            for (Shard shard : table.all()) {
                if (shard.trained() != null) {
                    shard.training().finish(worker);
                }
            }
            answerWaiting();
        }
    }

    /** A new process has taken the place of a rank that was lost, and asks from the beginning. */
    void takeBack(int rank) {
        forget(rank);
        abandon(rank);
        clients.remove(rank);
    }

    /** Drops what was to be sent to a rank that is dead. */
    void abandon(int rank) {
        client(rank).abandon();
    }

    /** Whether all workers have left or died, and have got their last answers. */
    boolean isDone() {
        for (int rank : all) {
            Client client = client(rank);
            if (!client.isGone() || client.answers() > 0) {
                return false;
            }
        }
        return true;
    }
}
