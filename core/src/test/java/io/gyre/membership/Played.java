package io.gyre.membership;

import io.gyre.Member;
import io.gyre.membership.Message.Awaited;
import io.gyre.membership.Message.GroupKey;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Leave;
import io.gyre.membership.Message.Offer;
import io.gyre.membership.Message.Ready;
import io.gyre.membership.Message.Value;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** A coordinator to which a test plays events by hand; records what it does. */
final class Played implements Outbox, RunListener {

    static final RunId RUN = new RunId(1, 2);
    static final Member HOST = new Member(Message.NO_RANK, "head", 1);
    static final Duration JOIN_TIMEOUT = Duration.ofSeconds(60);

    final Coordinator coordinator;
    private final int worldSize;
    final List<String> heard = new ArrayList<>();
    final SortedSet<Integer> closed = new TreeSet<>();
    private final TreeMap<Integer, List<Message>> sent = new TreeMap<>();
    private final TreeMap<Integer, Heartbeat> heartbeats = new TreeMap<>();
    private final SplittableRandom random = new SplittableRandom(1);
    private long now = 1_000;

    Played(int worldSize) {
        this(worldSize, Coordinator.RECORD_BYTES);
    }

    Played(int worldSize, long recordBytes) {
        this.worldSize = worldSize;
        coordinator = new Coordinator(
                RUN,
                worldSize,
                HOST,
                JOIN_TIMEOUT,
                SilenceLimits.DEFAULT,
                this,
                this,
                now,
                random,
                new ExchangeRecord(recordBytes));
    }

    /** The member with rank {@code rank} in these tests. */
    static Member member(int rank) {
        return new Member(rank, "host" + rank, 100 + rank);
    }

    void connect(int connection) {
        coordinator.connected(connection);
    }

    /** Rank {@code rank} joins on the connection with its number. */
    void join(int rank, int worldSize) {
        join(rank, new Join(Message.PROTOCOL_VERSION, worldSize, member(rank), Map.of("transport", "auto")));
    }

    void join(int connection, Join join) {
        connect(connection);
        receive(connection, join);
    }

    void ready(int connection) {
        receive(connection, new Ready(Map.of("at", "address" + connection)));
    }

    /** All ranks join and are ready, in order; the messages sent to them are discarded. */
    static Played complete(int worldSize) {
        return complete(new Played(worldSize));
    }

    /** As {@link #complete(int)}, with a record of that many bytes. */
    static Played complete(int worldSize, long recordBytes) {
        return complete(new Played(worldSize, recordBytes));
    }

    private static Played complete(Played played) {
        int worldSize = played.worldSize;
        for (int rank = 0; rank < worldSize; rank++) {
            played.join(rank, worldSize);
        }
        for (int rank = 0; rank < worldSize; rank++) {
            played.ready(rank);
        }
        played.sent.clear();
        played.heard.clear();
        return played;
    }

    void receive(int connection, Message message) {
        coordinator.received(connection, message);
    }

    void offer(int connection, String topic, String value) {
        offer(connection, members(), topic, value);
    }

    void offer(int connection, List<Integer> ranks, String topic, String value) {
        receive(connection, new Offer(ranks, topic, ByteBuffer.wrap(value.getBytes(StandardCharsets.UTF_8))));
    }

    private List<Integer> members() {
        return IntStream.range(0, worldSize).boxed().toList();
    }

    /** A process answers the last heartbeat. */
    void answer(int connection) {
        Heartbeat last = heartbeats.get(connection);
        if (last != null) {
            receive(connection, last);
        }
    }

    void leave(int connection) {
        receive(connection, new Leave(Collections.nCopies(worldSize, (long) connection), "step " + connection));
    }

    void disconnect(int connection) {
        coordinator.disconnected(connection, "its connection was closed");
    }

    /** Lets time pass, with the ticks that are due. */
    void pass(Duration time) {
        for (Duration rest = time; !rest.isZero(); rest = rest.minus(Coordinator.TICK)) {
            stall(Coordinator.TICK);
        }
    }

    /** Lets time pass, and ticks only at the end. */
    void stall(Duration time) {
        now += time.toNanos();
        coordinator.tick(now);
    }

    /** The messages sent on a connection since the last call. */
    List<Message> take(int connection) {
        List<Message> messages = sent.remove(connection);
        return messages == null ? List.of() : messages;
    }

    /** The messages sent on a connection since the last call, without group keys and what is said again and again. */
    List<Message> takeWords(int connection) {
        return take(connection).stream()
                .filter(message -> !(message instanceof Heartbeat)
                        && !(message instanceof Awaited)
                        && !(message instanceof GroupKey))
                .toList();
    }

    /** As {@link #takeWords}, but only the values of exchanges: the rank and the value. */
    List<String> takeValues(int connection) {
        return takeWords(connection).stream()
                .filter(Value.class::isInstance)
                .map(Value.class::cast)
                .map(value -> value.rank() + " "
                        + StandardCharsets.UTF_8.decode(value.value().duplicate()))
                .toList();
    }

    @Override
    public void send(int connection, Message message) {
        sent.computeIfAbsent(connection, key -> new ArrayList<>()).add(message);
        if (message instanceof Heartbeat heartbeat) {
            heartbeats.put(connection, heartbeat);
        }
    }

    @Override
    public void close(int connection) {
        closed.add(connection);
    }

    @Override
    public void joined(Member member) {
        heard.add("joined " + member.rank());
    }

    @Override
    public void refused(String reason) {
        heard.add("refused");
    }

    @Override
    public void complete(List<Member> members) {
        heard.add("complete");
    }

    @Override
    public void suspected(Member member, Duration silence) {
        heard.add("suspected " + member.rank());
    }

    @Override
    public void left(Member member) {
        heard.add("left " + member.rank());
    }

    @Override
    public void lostExpendable(Member member, String reason) {
        heard.add("lost expendable " + member.rank());
    }

    @Override
    public void returned(Member member, int incarnation) {
        heard.add("returned " + member.rank() + " as " + incarnation);
    }

    @Override
    public void lost(Member member, String reason) {
        heard.add("lost " + member.rank());
    }

    @Override
    public void unaware(Member member) {
        heard.add("unaware " + member.rank());
    }

    @Override
    public void failed(String reason) {
        heard.add("failed");
    }
}
