package io.gyre.membership;

import io.gyre.Member;
import io.gyre.membership.Message.Convened;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Leave;
import io.gyre.membership.Message.Present;
import io.gyre.membership.Message.Welcome;
import io.gyre.session.Reached;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntPredicate;

/** An usher to which a test plays events by hand; records what it does. */
final class PlayedUsher implements Outbox, Usher.Venue, SeatListener {

    static final Duration JOIN_TIMEOUT = Duration.ofSeconds(60);
    static final Duration REPLACEMENT_TIMEOUT = Duration.ofSeconds(30);
    static final Duration REPORT_TIMEOUT = Duration.ofSeconds(40);
    static final SilenceLimits LIMITS = SilenceLimits.within(Duration.ofSeconds(3));

    final Usher usher;
    final List<String> heard = new ArrayList<>();
    final List<String> opened = new ArrayList<>();
    final List<String> givenUp = new ArrayList<>();
    final TreeSet<Integer> closed = new TreeSet<>();
    private final int seats;
    private final TreeMap<Integer, List<Message>> sent = new TreeMap<>();
    private final TreeMap<Integer, Heartbeat> heartbeats = new TreeMap<>();
    private long now = 1_000;

    /** Why no rendezvous can be opened; empty if one can. */
    String venueFault = "";

    PlayedUsher(int seats, int processes, int leastProcesses) {
        this.seats = seats;
        usher = new Usher(
                Played.RUN,
                new UsherPlan(
                        seats, processes, leastProcesses, JOIN_TIMEOUT, REPLACEMENT_TIMEOUT, REPORT_TIMEOUT, LIMITS),
                Played.HOST,
                this,
                this,
                this,
                now);
    }

    /** In the first generation, with processes 0 to {@code processes - 1} on the connections with their numbers. */
    static PlayedUsher running(int seats, int processes, int leastProcesses) {
        PlayedUsher played = new PlayedUsher(seats, processes, leastProcesses);
        for (int connection = 0; connection < processes; connection++) {
            played.enter(connection);
        }
        played.forget();
        return played;
    }

    void forget() {
        sent.clear();
        heard.clear();
        givenUp.clear();
    }

    Join join(int connection, Map<String, String> options) {
        return new Join(
                Message.PROTOCOL_VERSION,
                seats,
                new Member(Message.ANY_RANK, "host" + connection, 100 + connection),
                options);
    }

    void join(int connection) {
        join(connection, join(connection, Map.of("transport", "auto")));
    }

    void join(int connection, Join join) {
        usher.connected(connection);
        receive(connection, join);
    }

    void receive(int connection, Message message) {
        usher.received(connection, message);
    }

    /** A new process joins, and asks for seats. */
    void enter(int connection) {
        join(connection);
        report(connection, 0, Reached.NOTHING);
    }

    void report(int connection, int generation, Reached reached) {
        receive(connection, new Present(generation, reached));
    }

    void report(int connection, int generation, long step) {
        report(connection, generation, new Reached(0, step));
    }

    void leave(int connection) {
        receive(connection, new Leave(List.of(), ""));
    }

    void disconnect(int connection) {
        usher.disconnected(connection, "its connection was closed");
    }

    /** The last heartbeat sent on a connection; one of the time 0 if there was none. */
    Heartbeat heartbeat(int connection) {
        return heartbeats.getOrDefault(connection, new Heartbeat(0));
    }

    /** A process answers the last heartbeat. */
    void answer(int connection) {
        receive(connection, heartbeat(connection));
    }

    /** Lets time pass, with the ticks that are due, in which all processes of the test answer. */
    void pass(Duration time) {
        pass(time, connection -> true);
    }

    void pass(Duration time, IntPredicate answers) {
        for (long rest = time.toNanos(); rest > 0; rest -= Coordinator.TICK.toNanos()) {
            for (int connection = 0; connection < 10; connection++) {
                if (usher.hasJoined(connection) && answers.test(connection)) {
                    answer(connection);
                }
            }
            stall(Coordinator.TICK);
        }
    }

    /** Lets time pass, and ticks only at the end. */
    void stall(Duration time) {
        now += time.toNanos();
        usher.tick(now);
    }

    /** The messages sent on a connection since the last call, without heartbeats and greetings. */
    List<Message> take(int connection) {
        List<Message> messages = sent.remove(connection);
        return messages == null
                ? List.of()
                : messages.stream()
                        .filter(message -> !(message instanceof Heartbeat) && !(message instanceof Welcome))
                        .toList();
    }

    /** The only message sent on a connection since the last call. */
    Message word(int connection) {
        List<Message> words = take(connection);
        if (words.size() != 1) {
            throw new AssertionError("connection " + connection + " got " + words);
        }
        return words.get(0);
    }

    /** What a process was told when it got seats, and was not told anything else. */
    Convened seats(int connection) {
        return (Convened) word(connection);
    }

    static Convened convened(int generation, int own, int source, Integer... holders) {
        return new Convened(generation, "room:" + generation, own, Arrays.asList(holders), source);
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
    public String open(int generation, int ranks) {
        if (!venueFault.isEmpty()) {
            throw new UncheckedIOException(new IOException(venueFault));
        }
        opened.add(generation + " of " + ranks);
        return "room:" + generation;
    }

    @Override
    public void giveUp(Member lost, String reason) {
        givenUp.add("rank " + lost.rank() + ", pid " + lost.pid() + ": " + reason);
    }

    @Override
    public void joined(RunProcess process) {
        heard.add("joined " + process.pid());
    }

    @Override
    public void refused(String reason) {
        heard.add("refused " + reason);
    }

    @Override
    public void suspected(RunProcess process, Duration silence) {
        heard.add("suspected " + process);
    }

    @Override
    public void lost(RunProcess process, List<Integer> seats, int generation, Reached newest, String reason) {
        heard.add("lost " + process.pid() + " with " + seats + " in " + generation + ": " + reason);
    }

    @Override
    public void convened(int generation, Seating seating, Reached newest, long behind) {
        heard.add("generation " + generation + " of " + seating.processes() + " at " + newest.step() + ", behind "
                + behind);
    }

    @Override
    public void left(RunProcess process) {
        heard.add("left " + process.pid());
    }

    @Override
    public void failed(String reason) {
        heard.add("failed: " + reason);
    }
}
