package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.Frame;
import io.gyre.FrameSender;
import io.gyre.GyreException;
import io.gyre.Region;
import io.gyre.kernel.Kernels;
import io.gyre.kernels.FastKernels;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Serves one shard of every buffer. A state machine without thread or clock: it is given frames, and asked for what it has to
 * send.
 *
 * <p>Memory: each buffer's shard once, for parameters in training {@link TrainedShard#copies} times, and for each client a
 * place for the change that is arriving, as long as its longest so far. A client has at most {@link #MOST_ANSWERS} answers
 * under way; what it asks beyond that is dropped, and asked again later. So neither a slow client nor a mad one lets a server
 * grow.
 */
final class ShardServer {

    /** One that streams parameters, one that acknowledges a push, and as many again for what was repeated. */
    private static final int MOST_ANSWERS = 8;

    private static final Region NOTHING = Region.allocate("nothing", 0);

    private final int index;
    private final int servers;
    private final List<Integer> workers;
    private final @Nullable Training training;
    private final long memoryLimit;
    private final Faults faults;
    private final Source source;
    private final Kernels kernels = FastKernels.choose();
    private final Map<String, Shard> byName = new TreeMap<>();
    private final Map<Integer, Shard> byNumber = new TreeMap<>();
    private final Map<Integer, Client> clients = new TreeMap<>();
    private final List<Waiting> waiting = new ArrayList<>();
    private int nextNumber;
    private long memory;

    /** Where a server gets its memory. */
    interface Source {

        /**
         * Allocates zeros.
         *
         * @param shared whether clients on this host may read and change it themselves
         */
        StripedMemory allocate(String purpose, long bytes, boolean shared);

        /** Gives them back. */
        void free(StripedMemory memory);
    }

    /** What the server knows of one rank. */
    private static final class Client {
        final int rank;
        final Deque<Outgoing> answers = new ArrayDeque<>();

        @Nullable Request arriving;

        Region place = NOTHING;
        long arrived;
        boolean gone;

        Client(int rank) {
            this.rank = rank;
        }
    }

    /** A question that can be answered only later. */
    private record Waiting(Client client, Request request) {}

    /**
     * Creates a server.
     *
     * @param index which of the servers this is
     * @param workers ranks that push, in the order of their clocks
     * @param training how parameters are trained; null if nothing is
     * @param memoryLimit most bytes for buffers
     * @param faults what happens to answers
     * @param source where shards lie
     */
    ShardServer(
            int index,
            int servers,
            List<Integer> workers,
            @Nullable Training training,
            long memoryLimit,
            Faults faults,
            Source source) {
        this.index = index;
        this.servers = servers;
        this.workers = workers;
        this.training = training;
        this.memoryLimit = memoryLimit;
        this.faults = faults;
        this.source = source;
    }

    /** Takes a frame of a client. */
    boolean onFrame(int rank, Frame frame, ByteBuffer payload, int offset) {
        Client client = clients.computeIfAbsent(rank, Client::new);
        if (client.gone) {
            return true;
        }
        if (frame.chunk() == Outgoing.WORDS) {
            begin(client, Request.decode(payload, offset, frame.length()));
            return true;
        }
        Request request = client.arriving;
        if (request == null || request.call() != frame.step()) {
            return true;
        }
        client.place.copyFrom(client.arrived, payload, offset, frame.length());
        client.arrived += frame.length();
        if (client.arrived == request.length()) {
            client.arriving = null;
            change(client, request, client.place.slice(0, request.length()));
        }
        return true;
    }

    private void begin(Client client, Request request) {
        client.arriving = null;
        String objection = objection(request);
        if (objection != null) {
            answer(client, Answer.failure(request.call(), objection));
        } else if (request.dataBytes() == 0) {
            handle(client, request);
        } else if (reserve(client, request)) {
            client.arriving = request;
            client.arrived = 0;
        }
    }

    /** What is wrong with a request about a buffer, or null. */
    private @Nullable String objection(Request request) {
        switch (request.operation()) {
            case CREATE, ATTACH, LEAVE -> {
                return null;
            }
            default -> {}
        }
        Shard shard = byNumber.get(request.buffer());
        if (shard == null && request.operation() == Operation.FREE) {
            return null;
        }
        if (shard == null) {
            return "buffer number " + request.buffer() + " does not exist any more: it was freed";
        }
        boolean ofTraining = switch (request.operation()) {
            case PUSH, PULL, FINISH, RESUME, STALENESS -> true;
            default -> false;
        };
        if (ofTraining && shard.trained() == null) {
            return "buffer " + shard.description() + " holds no parameters in training: there is no "
                    + request.operation() + " for it";
        }
        if (request.operation() == Operation.ACCUMULATE && shard.trained() != null) {
            return "buffer " + shard.description() + " is changed by pushes only";
        }
        long bytes = shard.byteLength();
        if (request.offset() < 0 || request.length() < 0 || request.offset() > bytes - request.length()) {
            return "buffer " + shard.description() + " has " + bytes + " bytes in shard " + index + ": "
                    + request.length() + " from " + request.offset() + " are outside";
        }
        if (request.offset() % shard.type().bytes() != 0
                || request.length() % shard.type().bytes() != 0) {
            return "buffer " + shard.description() + ": " + request.length() + " bytes from " + request.offset()
                    + " are not whole elements";
        }
        return null;
    }

    private boolean reserve(Client client, Request request) {
        if (client.place.byteLength() >= request.length()) {
            return true;
        }
        long more = request.length() - client.place.byteLength();
        String objection = roomFor(more, "a change of client rank " + client.rank);
        if (objection != null) {
            answer(client, Answer.failure(request.call(), objection));
            return false;
        }
        client.place = Region.allocate("change of rank " + client.rank, request.length());
        memory += more;
        return true;
    }

    private @Nullable String roomFor(long bytes, String purpose) {
        return bytes <= memoryLimit - memory
                ? null
                : "server " + index + " of " + servers + " has no room for " + purpose + ": " + bytes
                        + " bytes are needed, " + (memoryLimit - memory) + " of " + memoryLimit
                        + " are left. Use more servers, or free other buffers";
    }

    private void handle(Client client, Request request) {
        switch (request.operation()) {
            case CREATE -> answer(client, create(client, request));
            case ATTACH -> answer(client, attach(client, request));
            case LEAVE -> {
                answer(client, new Answer(request.call(), false, -1, 0, 0, 0, 0, ""));
                forget(client.rank);
            }
            case FREE -> {
                free(byNumber.get(request.buffer()));
                answer(client, new Answer(request.call(), false, -1, 0, 0, 0, 0, ""));
            }
            default -> handle(client, request, shard(request));
        }
    }

    private void handle(Client client, Request request, Shard shard) {
        switch (request.operation()) {
            case READ -> stream(client, request, shard);
            case WRITE, ACCUMULATE, PUSH -> change(client, request, NOTHING);
            case AWAIT, PULL -> {
                if (!answerIfPossible(client, request, shard)) {
                    waiting.removeIf(other -> other.client == client
                            && other.request.operation() == request.operation()
                            && other.request.buffer() == request.buffer());
                    waiting.add(new Waiting(client, request));
                }
            }
            case FINISH -> {
                training(shard).finish(worker(client));
                answer(client, ok(request, shard));
                answerWaiting();
            }
            case RESUME -> {
                training(shard).resume(worker(client), request.step());
                answer(client, ok(request, shard));
            }
            case STALENESS -> answer(client, staleness(request, shard));
            default -> throw new IllegalStateException("no handling for " + request.operation());
        }
    }

    private Shard shard(Request request) {
        Shard shard = byNumber.get(request.buffer());
        if (shard == null) {
            throw new IllegalStateException("buffer " + request.buffer() + " was checked and is gone");
        }
        return shard;
    }

    private static TrainedShard training(Shard shard) {
        TrainedShard trained = shard.trained();
        if (trained == null) {
            throw new IllegalStateException("training of " + shard.description() + " was checked and is gone");
        }
        return trained;
    }

    private int worker(Client client) {
        return workers.indexOf(client.rank);
    }

    /** Type of the elements of a buffer that is asked for: the step says how many bytes each has. */
    private static ElementType typeOf(Request request) {
        return request.step() == ElementType.FLOAT32.bytes() ? ElementType.FLOAT32 : ElementType.FLOAT64;
    }

    private Answer create(Client client, Request request) {
        Shard known = byName.get(request.text());
        if (known != null && known.isOf(client.rank, request)) {
            return opened(client, request, known);
        }
        if (known != null) {
            return Answer.failure(request.call(), "there is a buffer " + known.description() + " already");
        }
        ElementType type = typeOf(request);
        long elements = request.length() / type.bytes();
        ShardPlan plan = new ShardPlan(elements, servers);
        long bytes = plan.length(index) * type.bytes();
        Training wanted = request.seen() == 0 ? null : training;
        if (request.seen() != 0 && wanted == null) {
            return Answer.failure(request.call(), "the servers were started without a training");
        }
        long copies = wanted == null ? 1 : TrainedShard.copies(wanted, workers.size());
        String objection = roomFor(bytes * copies, "buffer '" + request.text() + "'");
        if (objection != null) {
            return Answer.failure(request.call(), objection);
        }
        StripedMemory region;
        TrainedShard trained;
        try {
            // With delay compensation the server must know exactly what each worker has pulled.
            boolean shared = wanted == null || wanted.delayCompensation() == 0;
            region = source.allocate("shard " + index + " of '" + request.text() + "'", bytes, shared);
            trained = wanted == null
                    ? null
                    : new TrainedShard(type, region.data(), plan.offset(index), wanted, workers.size());
        } catch (OutOfMemoryError | GyreException e) {
            return Answer.failure(
                    request.call(),
                    "server " + index + " of " + servers + " has no memory for buffer '" + request.text() + "' of "
                            + bytes * copies + " bytes (" + e.getMessage() + ")");
        }
        memory += bytes * copies;
        Shard shard = new Shard(nextNumber++, request.text(), type, elements, region, trained, client.rank, request);
        byName.put(shard.name(), shard);
        byNumber.put(shard.number(), shard);
        return opened(client, request, shard);
    }

    private Answer attach(Client client, Request request) {
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
        shard.ledger().restarted(client.rank, request.incarnation());
        return opened(client, request, shard);
    }

    /** Tells a client what it needs to use a buffer: the number of its own last change, and where it can map it. */
    private static Answer opened(Client client, Request request, Shard shard) {
        Answer answer = ok(request, shard);
        return new Answer(
                answer.call(),
                false,
                shard.number(),
                answer.version(),
                answer.clock(),
                shard.ledger().lastSequence(client.rank),
                0,
                shard.memory().shared());
    }

    /** Frees a buffer; one that is gone already was freed by an earlier copy of the same request. */
    private void free(@Nullable Shard shard) {
        if (shard == null) {
            return;
        }
        byName.remove(shard.name());
        byNumber.remove(shard.number());
        long copies = shard.trained() == null || training == null ? 1 : TrainedShard.copies(training, workers.size());
        memory -= shard.byteLength() * copies;
        shard.memory().markFreed();
        // Whoever is being sent a part of it asks again, and then learns that it is gone.
        clients.values()
                .forEach(client -> client.answers.removeIf(
                        answer -> answer.reads(shard.memory().data())));
        source.free(shard.memory());
        List<Waiting> orphans = waiting.stream()
                .filter(each -> each.request.buffer() == shard.number())
                .toList();
        waiting.removeAll(orphans);
        for (Waiting orphan : orphans) {
            String reason = "buffer " + shard.description() + " was freed";
            answer(orphan.client, Answer.failure(orphan.request.call(), reason));
        }
    }

    private static Answer ok(Request request, Shard shard) {
        TrainedShard trained = shard.trained();
        long clock = trained == null ? 0 : trained.slowest();
        return new Answer(request.call(), false, shard.number(), shard.version(), clock, request.sequence(), 0, "");
    }

    private static Answer staleness(Request request, Shard shard) {
        String text = training(shard).staleness().text();
        return new Answer(request.call(), false, shard.number(), 0, 0, 0, 0, text);
    }

    /** Applies a change, unless that was done before, and answers as it was answered then. */
    private void change(Client client, Request request, Region data) {
        Shard shard = byNumber.get(request.buffer());
        if (shard == null) {
            answer(client, Answer.failure(request.call(), "buffer " + request.buffer() + " was freed meanwhile"));
            return;
        }
        PushLedger<Answer> ledger = shard.ledger();
        switch (ledger.judge(client.rank, request.incarnation(), request.sequence())) {
            case APPLY -> {
                apply(client, request, shard, data);
                Answer answer = ok(request, shard);
                ledger.applied(client.rank, request.incarnation(), request.sequence(), answer);
                answer(client, answer);
                answerWaiting();
            }
            case REPEATED -> answer(client, ledger.answer(client.rank).to(request.call()));
            case OUTDATED -> {}
            case REFUSED ->
                answer(
                        client,
                        Answer.failure(
                                request.call(),
                                "change number " + request.sequence() + " of process " + request.incarnation()
                                        + " came after number " + ledger.lastSequence(client.rank)
                                        + ", or after a change of its successor"));
        }
    }

    private void apply(Client client, Request request, Shard shard, Region data) {
        switch (request.operation()) {
            case WRITE -> shard.memory().write(request.offset(), data);
            case ACCUMULATE -> shard.memory().accumulate(kernels, shard.type(), request.offset(), data);
            case PUSH -> training(shard).push(worker(client), data, request);
            default -> throw new IllegalStateException(request.operation() + " is no change");
        }
    }

    private void stream(Client client, Request request, Shard shard) {
        Answer answer = ok(request, shard);
        Answer withData = new Answer(
                answer.call(),
                false,
                shard.number(),
                answer.version(),
                answer.clock(),
                answer.sequence(),
                request.length(),
                "");
        send(
                client,
                new Outgoing(
                        Frame.Kind.RESPONSE,
                        request.call(),
                        withData.encode(),
                        shard.memory().data(),
                        request.offset(),
                        request.length()));
    }

    private boolean answerIfPossible(Client client, Request request, Shard shard) {
        if (request.operation() == Operation.PULL) {
            TrainedShard trained = training(shard);
            if (!trained.mayBegin(request.step())) {
                return false;
            }
            trained.pulled(worker(client));
            stream(client, request, shard);
            return true;
        }
        if (shard.version() < request.step()) {
            return false;
        }
        answer(client, ok(request, shard));
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

    private void answer(Client client, Answer answer) {
        send(client, new Outgoing(Frame.Kind.RESPONSE, answer.call(), answer.encode(), null, 0, 0));
    }

    private void send(Client client, Outgoing answer) {
        if (client.answers.size() < MOST_ANSWERS && faults.copies() > 0) {
            client.answers.add(answer);
        }
    }

    /** Whether there is something to send to a rank. */
    boolean hasAnswers(int rank) {
        Client client = clients.get(rank);
        return client != null && !client.answers.isEmpty();
    }

    /** Sends a client what its link takes now. Returns how many frames that were. */
    int advance(int rank, FrameSender sender) {
        Client client = clients.get(rank);
        if (client == null) {
            return 0;
        }
        int frames = 0;
        for (Outgoing next = client.answers.peek(); next != null; next = client.answers.peek()) {
            frames += next.advance(sender);
            if (!next.isSent()) {
                return frames;
            }
            client.answers.remove();
        }
        return frames;
    }

    /** A rank has left or died: it pushes no more, and nobody waits for it. */
    void forget(int rank) {
        Client client = clients.computeIfAbsent(rank, Client::new);
        if (client.gone) {
            return;
        }
        client.gone = true;
        client.arriving = null;
        memory -= client.place.byteLength();
        client.place = NOTHING;
        waiting.removeIf(each -> each.client == client);
        int worker = workers.indexOf(rank);
        if (worker >= 0) {
            for (Shard shard : byNumber.values()) {
                TrainedShard trained = shard.trained();
                if (trained != null) {
                    trained.finish(worker);
                }
            }
            answerWaiting();
        }
    }

    /** Drops what was to be sent to a rank that is dead. */
    void abandon(int rank) {
        Client client = clients.get(rank);
        if (client != null) {
            client.answers.clear();
        }
    }

    /** Whether all workers have left or died, and have got their last answers. */
    boolean isDone() {
        for (int rank : workers) {
            Client client = clients.get(rank);
            if (client == null || !client.gone || !client.answers.isEmpty()) {
                return false;
            }
        }
        return true;
    }
}
