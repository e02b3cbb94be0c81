package io.gyre.testkit;

import io.gyre.Member;
import io.gyre.membership.Coordinator;
import io.gyre.membership.Message;
import io.gyre.membership.Outbox;
import io.gyre.membership.RunId;
import io.gyre.membership.RunListener;
import io.gyre.membership.SilenceLimits;
import io.gyre.network.Backoff;
import io.gyre.network.Patience;
import io.gyre.network.PeerStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * A run of processes in simulated time: the coordinator, and between it and each process a connection that delays,
 * stalls, falls silent and breaks; between the processes, links that delay.
 *
 * <p>Coordinator, memberships and waits are those of a real run. What is simulated is time, threads, sockets and links.
 */
public final class SimulatedRun {

    /** How long the coordinator waits for all ranks. */
    public static final Duration JOIN_TIMEOUT = Duration.ofSeconds(60);

    /** How long a rank waits for a silent peer: longer than the coordinator for a silent connection. */
    public static final Duration PEER_TIMEOUT = Duration.ofSeconds(40);

    /**
     * Longest delay of a message on a connection that stalls: a heartbeat and its answer may both be held up, and the
     * process freeze in between, for less than {@link SilenceLimits#loss} in all.
     */
    public static final Duration LONGEST_STALL = Duration.ofSeconds(4);

    /** Longest time between two turns of a wait for data. Every 16 turns, a wait checks whether it makes sense. */
    public static final Duration PAUSE = Duration.ofMillis(50);

    private final SimulatedTime time;
    private final SplittableRandom random;
    private final int worldSize;
    private final Member host;
    private final Coordinator coordinator;
    private final List<SimulatedProcess> processes = new ArrayList<>();
    private final Map<Pair, SimulatedLink> links = new HashMap<>();
    private final Set<Integer> closed = new HashSet<>();

    private record Pair(SimulatedProcess from, SimulatedProcess to) {}

    /**
     * Starts to wait for the ranks.
     *
     * @param hosted whether the first process to start, which must be rank 0, hosts the coordinator, and not a launcher
     */
    public SimulatedRun(
            SimulatedTime time, SplittableRandom random, int worldSize, boolean hosted, RunListener listener) {
        this.time = time;
        this.random = random;
        this.worldSize = worldSize;
        host = hosted ? SimulatedProcess.member(0, 0) : new Member(Message.NO_RANK, "head", 1);
        // Group keys have their own numbers: what is drawn for them must not change the schedule.
        coordinator = new Coordinator(
                new RunId(1, 2),
                worldSize,
                host,
                JOIN_TIMEOUT,
                SilenceLimits.DEFAULT,
                new Post(),
                listener,
                time.now(),
                new SplittableRandom(0));
        tick();
    }

    private void tick() {
        time.after(Coordinator.TICK.toNanos(), () -> {
            if (hasCoordinator() && frozenUntil() <= time.now()) {
                coordinator.tick(time.now());
            }
            tick();
        });
    }

    /** Starts a process for a rank. */
    public SimulatedProcess start(int rank, SimulatedProcess.Program program) {
        SimulatedProcess process = new SimulatedProcess(this, rank, processes.size(), program);
        processes.add(process);
        process.start();
        return process;
    }

    /** All processes so far, in the order of their starts. */
    public List<SimulatedProcess> processes() {
        return processes;
    }

    /** Whether no process lives, and the coordinator is not needed any more. */
    public boolean isOver() {
        return (!hasCoordinator() || coordinator.isOver()) && processes.stream().noneMatch(SimulatedProcess::isAlive);
    }

    /** The coordinator; use {@link #hasCoordinator} to know whether it still works. */
    public Coordinator coordinator() {
        return coordinator;
    }

    /** Whether the coordinator works: a host that has ended took it with it. */
    public boolean hasCoordinator() {
        return host.rank() < 0 || processes.isEmpty() || processes.get(0).isAlive();
    }

    /** The process of a member. */
    public SimulatedProcess process(Member member) {
        return processes.get((int) member.pid());
    }

    // For the processes.

    SimulatedTime time() {
        return time;
    }

    int worldSize() {
        return worldSize;
    }

    boolean isHost(SimulatedProcess process) {
        return process.member().equals(host);
    }

    SimulatedLine line(SimulatedProcess process, SimulatedLine.Receiver receiver) {
        return new SimulatedLine(time, random, process, receiver);
    }

    Patience patience(int rank, PeerStatus verdicts) {
        return new Patience(rank, PEER_TIMEOUT, verdicts, new Backoff(worldSize, PAUSE, false, time::sleep), time::now);
    }

    SimulatedLink link(SimulatedProcess from, SimulatedProcess to) {
        return links.computeIfAbsent(new Pair(from, to), pair -> new SimulatedLink(time, random, from, to));
    }

    /** Until when the coordinator's process is frozen. */
    long frozenUntil() {
        return host.rank() < 0 || processes.isEmpty() ? 0 : processes.get(0).frozenUntil();
    }

    void connected(int connection) {
        if (hasCoordinator()) {
            coordinator.connected(connection);
        }
    }

    void received(int connection, Message message) {
        if (hasCoordinator() && !closed.contains(connection)) {
            coordinator.received(connection, message);
        }
    }

    void disconnected(int connection, String how) {
        if (hasCoordinator() && !closed.contains(connection)) {
            coordinator.disconnected(connection, how);
        }
    }

    /** A process has ended: if it hosts the coordinator, all connections end. */
    void ended(SimulatedProcess process) {
        if (isHost(process)) {
            processes.forEach(other -> other.receiveEnd("its connection was reset"));
        }
    }

    private final class Post implements Outbox {

        @Override
        public void send(int connection, Message message) {
            processes.get(connection).receive(message);
        }

        @Override
        public void close(int connection) {
            closed.add(connection);
            processes.get(connection).receiveEnd("its connection was closed");
        }
    }
}
