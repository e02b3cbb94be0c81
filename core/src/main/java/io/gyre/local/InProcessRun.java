package io.gyre.local;

import io.gyre.Member;
import io.gyre.membership.Coordinator;
import io.gyre.membership.Membership;
import io.gyre.membership.Message;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Outbox;
import io.gyre.membership.RunId;
import io.gyre.membership.RunListener;
import io.gyre.membership.SilenceLimits;
import io.gyre.membership.Uplink;
import io.gyre.network.Time;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * The run of an {@link InProcessNetwork}: its coordinator and the memberships of all ranks, which take part from the
 * start.
 *
 * <p>No thread carries messages. Coordinator and memberships share one lock, which is this object's, and a message is
 * received inside the call that sends it. A waiting rank advances time for all: threads of one JVM live and stall
 * together.
 */
final class InProcessRun implements Outbox {

    private static final String PLACE = "this JVM";

    /** Nothing leaves this process: the group key protects nothing. */
    private static final RandomGenerator UNUSED = new SplittableRandom(0);

    private final Time time;
    private final Coordinator coordinator;
    private final List<Membership> memberships = new ArrayList<>();

    /** Ranks that have ended and send nothing more. */
    private final BitSet silent = new BitSet();

    private long lastTick;

    /**
     * Creates a run in which all ranks are ready.
     *
     * @param time of all waits
     */
    InProcessRun(int ranks, Time time) {
        this.time = time;
        lastTick = time.now();
        Member host = member(Message.NO_RANK);
        coordinator = new Coordinator(
                new RunId(0, 0),
                ranks,
                host,
                Duration.ZERO,
                SilenceLimits.DEFAULT,
                this,
                RunListener.NONE,
                lastTick,
                UNUSED);
        for (int rank = 0; rank < ranks; rank++) {
            memberships.add(new Membership(rank, PLACE, new Line(rank), time, this));
        }
        for (int rank = 0; rank < ranks; rank++) {
            coordinator.connected(rank);
            memberships.get(rank).join(new Join(Message.PROTOCOL_VERSION, ranks, member(rank), Map.of()));
        }
        memberships.forEach(membership -> membership.ready(Map.of()));
    }

    private static Member member(int rank) {
        return new Member(rank, PLACE, ProcessHandle.current().pid());
    }

    Membership membership(int rank) {
        return memberships.get(rank);
    }

    /** Ends a rank: what it sent before stays readable, and nothing more will come. */
    synchronized void end(int rank) {
        Membership membership = memberships.get(rank);
        // Readers find frames as soon as they are sent: none is ever in flight.
        membership.leave(Collections.nCopies(memberships.size(), 0L), time.now());
        membership.close();
        if (!silent.get(rank)) {
            silent.set(rank);
            coordinator.disconnected(rank, "its session was closed");
        }
    }

    @Override
    public void send(int rank, Message message) {
        memberships.get(rank).received(message);
    }

    @Override
    public void close(int rank) {
        silent.set(rank);
    }

    /** One rank's link to the coordinator. */
    private final class Line implements Uplink {

        private final int rank;

        Line(int rank) {
            this.rank = rank;
        }

        @Override
        public void send(Message message) {
            if (!silent.get(rank)) {
                coordinator.received(rank, message);
            }
        }

        @Override
        public void turn() {
            long now = time.now();
            if (now - lastTick >= Coordinator.TICK.toNanos()) {
                lastTick = now;
                memberships.forEach(Membership::tick);
                coordinator.tick(now);
            }
        }
    }
}
