package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.Member;
import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Clients, and the two servers that hold the copies of a shard, without threads, sockets or clocks: a seed decides what
 * happens next. Servers are killed and restarted; each process hears of that at its own time. Requests and replies are
 * lost and repeated, as {@link Faults} do it.
 */
final class SimulatedCopies {

    static final int CLIENTS = 3;
    static final int ELEMENTS = 24;
    private static final int NOT_OPEN = -1;

    /** In place of the number of a buffer that is changed: the second is read. */
    private static final int READ = 3;

    /** Adds gradients up; the slot depends on their order. */
    static final ServerOptimizer.Factory ORDERED = new ServerOptimizer.Factory() {
        @Override
        public ServerOptimizer create(ElementType type, long offset, long length) {
            return new Ordered(length);
        }

        @Override
        public int slots() {
            return 2;
        }
    };

    private static final class Ordered implements ServerOptimizer {
        private final Region[] slots = new Region[2];

        Ordered(long length) {
            for (int slot = 0; slot < slots.length; slot++) {
                slots[slot] = Region.allocate("slot", length * Float.BYTES);
            }
        }

        @Override
        public void update(Region parameters, Region gradient, long update, int epoch, double part) {
            for (long at = 0; at < parameters.byteLength(); at += Float.BYTES) {
                float g = gradient.getFloat(at);
                parameters.putFloat(at, parameters.getFloat(at) + g);
                slots[0].putFloat(at, slots[0].getFloat(at) * 0.75f + g);
                slots[1].putFloat(at, slots[1].getFloat(at) * 0.5f + g * (update + 1));
            }
        }

        @Override
        public void readSlot(int slot, Region into) {
            Vectors.copy(into, slots[slot]);
        }

        @Override
        public void writeSlot(int slot, Region from) {
            Vectors.copy(slots[slot], from);
        }
    }

    private record Sent(Frame.Kind kind, long step, int bucket, int chunk, long vectorBytes, ByteBuffer bytes) {}

    /** From one process to another. */
    private static final class Wire implements FrameSender {
        private final Deque<Sent> frames = new ArrayDeque<>();

        @Override
        public int maxPayload() {
            return 64;
        }

        private boolean take(Frame frame, ByteBuffer bytes) {
            if (frames.size() > 6) {
                return false;
            }
            frames.add(new Sent(frame.kind(), frame.step(), frame.bucket(), frame.chunk(), frame.vectorBytes(), bytes));
            return true;
        }

        @Override
        public boolean offer(Frame frame, Region source, long offset) {
            ByteBuffer bytes = ByteBuffer.allocate(frame.length());
            source.copyTo(offset, bytes, 0, frame.length());
            return take(frame, bytes);
        }

        @Override
        public boolean offer(Frame frame, ByteBuffer source, int offset) {
            return take(frame, ByteBuffer.allocate(frame.length()).put(0, source, offset, frame.length()));
        }

        /** Delivers the next frame, if there is one. */
        boolean deliver(FrameReceiver.Handler handler) {
            Sent next = frames.poll();
            if (next == null) {
                return false;
            }
            Frame frame = new Frame()
                    .set(next.kind, next.step, next.bucket, next.chunk, next.vectorBytes, next.bytes.capacity());
            handler.onFrame(frame, next.bytes, 0);
            return true;
        }
    }

    /** News from the coordinator. */
    private record News(int server, boolean ended, int incarnation) {}

    /** What a process knows of the servers. */
    private abstract class Participant {
        final int rank;
        final int incarnation;
        final Deque<News> news = new ArrayDeque<>();
        final boolean[] ended = new boolean[2];
        final int[] incarnations = new int[2];

        Participant(int rank, int incarnation) {
            this.rank = rank;
            this.incarnation = incarnation;
        }

        boolean hear() {
            News next = news.poll();
            if (next == null) {
                return false;
            }
            ended[next.server] = next.ended;
            incarnations[next.server] = next.incarnation;
            heard(next);
            return true;
        }

        abstract void heard(News next);

        abstract void act();

        Wire to(Participant other) {
            return wire(this, other);
        }
    }

    final class Server extends Participant {
        final int index;
        final ShardServer server;
        final ShardCopy copy;

        Server(int index, int incarnation, ShardCopy.Role role) {
            super(CLIENTS + index, incarnation);
            this.index = index;
            List<Integer> clients = List.of(0, 1, 2);
            MemoryBudget budget = new MemoryBudget(index, 2, 1 << 20);
            Training training = new Training(new AsynchronousParallel(), ORDERED);
            ShardTable table = new ShardTable(0, 1, clients, training, budget, new PrivateMemory());
            server = new ShardServer(table, clients, clients, faults);
            copy = new ShardCopy(0, CLIENTS + 1 - index, incarnationOf(1 - index), server, role, this::announce);
            incarnations[index] = incarnation;
            incarnations[1 - index] = incarnationOf(1 - index);
            ended[1 - index] = servers[1 - index] == null && incarnation > 0;
        }

        private void announce(ShardCopy any) {
            if (copy.isBacked()) {
                backedBy[index] = copy.partnerIncarnation();
            }
        }

        @Override
        void heard(News next) {
            if (next.server == index) {
                return;
            }
            copy.partnerLost();
            if (!next.ended) {
                copy.partnerReturned(next.incarnation);
            }
        }

        private @Nullable Server partner() {
            Server other = servers[1 - index];
            return ended[1 - index] || other == null || other.incarnation != incarnations[1 - index] ? null : other;
        }

        @Override
        void act() {
            int which = random.nextInt(4);
            Client client = clients.get(random.nextInt(CLIENTS));
            Server other = partner();
            if (which == 0) {
                client.to(this).deliver((frame, payload, at) -> server.onFrame(client.rank, frame, payload, at));
            } else if (which == 1) {
                server.clients().get(client.rank).advance(to(client), true);
            } else if (which == 2 && other != null) {
                other.to(this).deliver(copy::onFrame);
            } else if (other != null) {
                copy.advance(to(other));
            }
        }
    }

    /** Makes calls until its program is done. */
    final class Client extends Participant {
        private final ServerLink link;
        private final Region[] data = new Region[3];
        private final @Nullable Call<?>[] open = new Call<?>[4];
        private final Region seen = Region.allocate("seen", SPECS.get(1).byteLength());
        private long doneBeforeRead;
        private final long[] sequence = new long[3];
        private final int[] number = {NOT_OPEN, NOT_OPEN, NOT_OPEN};
        int left;
        final long[] done = new long[3];

        Client(int rank, int operations) {
            super(rank, 0);
            left = operations;
            link = new ServerLink(
                    0, 1, false, new Member(CLIENTS, "host", 1), CLIENTS + 1, () -> SimulatedCopies.this.now);
            for (int buffer = 0; buffer < 3; buffer++) {
                data[buffer] = Region.allocate("data", SPECS.get(buffer).byteLength());
                data[buffer].putFloat(4L * rank % data[buffer].byteLength(), 1);
            }
        }

        private boolean hasEnded(int rank) {
            return ended[rank - CLIENTS];
        }

        private boolean follow() {
            return link.follow(this::hasEnded, holder -> new Member(holder, "host", 1));
        }

        @Override
        void heard(News next) {
            if (link.leadsTo(CLIENTS + next.server)) {
                follow();
            }
        }

        boolean isDone() {
            return left == 0 && Arrays.stream(open).allMatch(Objects::isNull);
        }

        private void finish(int buffer) {
            Call<?> call = open[buffer];
            if (call == null || !call.isFinished()) {
                return;
            }
            open[buffer] = null;
            Reply reply = call.reply(rank);
            if (buffer == READ) {
                float own = seen.getFloat(4L * rank);
                badReads += own < doneBeforeRead || own > sequence[1] ? 1 : 0;
                return;
            }
            if (reply instanceof Reply.Opened opened) {
                number[buffer] = opened.buffer();
            } else {
                done[buffer]++;
            }
            if (reply instanceof Reply.Counted counted) {
                counts.add(counted.before());
            }
        }

        private void begin(int buffer) {
            if (open[buffer] != null || left == 0 || (rank > 0 && clients.get(0).number[buffer] < 0)) {
                return;
            }
            Request<?> request;
            if (number[buffer] < 0) {
                request =
                        rank == 0 ? new Request.Create(SPECS.get(buffer), 0) : new Request.Attach(SPECS.get(buffer), 0);
            } else {
                left--;
                request = change(buffer, new ChangeId(0, ++sequence[buffer]));
            }
            Region sends = request.carriesData() ? data[buffer] : null;
            Call<?> call = new Call<>(link, link.nextCall(), request, sends);
            open[buffer] = call;
            link.ask(call, faults);
        }

        private void beginRead() {
            if (open[READ] == null && number[1] >= 0 && left > 0) {
                doneBeforeRead = done[1];
                Call<?> call = new Call<>(link, link.nextCall(), new Request.Read(number[1]), seen);
                open[READ] = call;
                link.ask(call, faults);
            }
        }

        private Request<?> change(int buffer, ChangeId id) {
            if (buffer == 0) {
                return new Request.SentPush(number[0], id, new GradientOrigin(id.sequence() - 1, 0, 0, 1, 0));
            }
            return buffer == 1 ? new Request.Accumulate(number[1], id) : new Request.FetchAndAdd(number[2], id, 1);
        }

        private @Nullable Server asked() {
            int index = link.server().rank() - CLIENTS;
            Server server = servers[index];
            return ended[index] || server == null || server.incarnation != incarnations[index] ? null : server;
        }

        @Override
        void act() {
            int which = random.nextInt(3);
            Server server = asked();
            if (which == 0) {
                int buffer = random.nextInt(4);
                finish(buffer);
                if (buffer == READ) {
                    beginRead();
                } else {
                    begin(buffer);
                }
            } else if (server != null && which == 1) {
                link.advance(to(server), 400, faults);
            } else if (server != null) {
                server.to(this).deliver(link::onFrame);
            }
            if (link.isTurnedAway()) {
                follow();
            }
        }
    }

    static final List<BufferSpec> SPECS = List.of(
            new BufferSpec("w", ElementType.FLOAT32, ELEMENTS, true),
            new BufferSpec("box", ElementType.FLOAT32, ELEMENTS, false),
            new BufferSpec("count", ElementType.FLOAT64, 2, false));

    private final SplittableRandom random;
    private final Faults faults;
    private final Map<List<Integer>, Wire> wires = new HashMap<>();
    final List<Client> clients = new ArrayList<>();
    final @Nullable Server[] servers = new Server[2];
    private final int[] incarnation = new int[2];

    /** As the coordinator knows it: the incarnation of the other by which each server is backed. */
    private final int[] backedBy = new int[2];

    final List<Long> counts = new ArrayList<>();
    int badReads;
    int kills;
    int killsWhileRestoring;
    private long now;

    SimulatedCopies(long seed, int operations) {
        random = new SplittableRandom(seed);
        faults = () -> random.nextInt(30) == 0 ? 0 : random.nextInt(30) == 0 ? 2 : 1;
        servers[0] = new Server(0, 0, ShardCopy.Role.PRIMARY);
        servers[1] = new Server(1, 0, ShardCopy.Role.BACKUP);
        for (int rank = 0; rank < CLIENTS; rank++) {
            clients.add(new Client(rank, operations));
        }
    }

    private int incarnationOf(int index) {
        return incarnation[index];
    }

    private Wire wire(Participant from, Participant to) {
        return wires.computeIfAbsent(List.of(from.rank, from.incarnation, to.rank, to.incarnation), any -> new Wire());
    }

    private void tell(News news) {
        for (Client client : clients) {
            client.news.add(news);
        }
        for (Server server : servers) {
            if (server != null) {
                server.news.add(news);
            }
        }
    }

    /** Kills a server if its loss does not end the run. */
    private void kill(int index) {
        Server victim = servers[index];
        Server other = servers[1 - index];
        if (victim == null || other == null || backedBy[index] != other.incarnation) {
            return;
        }
        kills++;
        killsWhileRestoring += victim.copy.role() == ShardCopy.Role.NEWCOMER ? 1 : 0;
        servers[index] = null;
        tell(new News(index, true, incarnation[index]));
    }

    private void restart(int index) {
        incarnation[index]++;
        tell(new News(index, false, incarnation[index]));
        servers[index] = new Server(index, incarnation[index], ShardCopy.Role.NEWCOMER);
    }

    /**
     * Lets something happen.
     *
     * @param kills whether servers are killed
     */
    void step(boolean kills) {
        now += 100_000;
        int which = random.nextInt(100);
        if (which == 0 && kills) {
            kill(random.nextInt(2));
        } else if (which < 4) {
            int index = random.nextInt(2);
            if (servers[index] == null) {
                restart(index);
            }
        } else {
            int actor = random.nextInt(CLIENTS + 2);
            Participant process = actor < CLIENTS ? clients.get(actor) : servers[actor - CLIENTS];
            if (process != null && (random.nextInt(8) > 0 || !process.hear())) {
                process.act();
            }
        }
    }

    /** Whether all clients are done, and both copies complete and at rest. */
    boolean isAtRest() {
        for (Server server : servers) {
            if (server == null || !server.news.isEmpty() || !server.copy.isBacked() || !server.copy.isDone()) {
                return false;
            }
        }
        return clients.stream().allMatch(Client::isDone);
    }
}
