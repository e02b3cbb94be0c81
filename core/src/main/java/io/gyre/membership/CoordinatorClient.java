package io.gyre.membership;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.ProtocolException;
import io.gyre.membership.Message.Attest;
import io.gyre.membership.Message.Awaited;
import io.gyre.membership.Message.Backed;
import io.gyre.membership.Message.Disagreed;
import io.gyre.membership.Message.Expendable;
import io.gyre.membership.Message.Failed;
import io.gyre.membership.Message.GroupKey;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Leave;
import io.gyre.membership.Message.Left;
import io.gyre.membership.Message.Lost;
import io.gyre.membership.Message.LostExpendable;
import io.gyre.membership.Message.Offer;
import io.gyre.membership.Message.Ready;
import io.gyre.membership.Message.Refused;
import io.gyre.membership.Message.Returned;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.Message.Unaware;
import io.gyre.membership.Message.Value;
import io.gyre.membership.Message.Welcome;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * One rank's side of the protocol with its {@link Coordinator}. A state machine: it owns no clock, thread or socket, so
 * tests can play any schedule of messages, together with the coordinator's.
 *
 * <p>In the order of a run: {@link #welcome} is the greeting, {@link #join} asks to join, {@link #ready} sends
 * addresses, the roster makes the {@link #view} complete, {@link #offer} begins an exchange and {@link #values} ends
 * it, {@link #leave} leaves. From the join on, the coordinator sends heartbeats, which this side sends back at once.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread at a time. {@link #view}, {@link #groupKey}, {@link #check} and {@link #told} may be called from any
 *       thread.
 *   <dt>Time
 *   <dd>{@code now} is in nanoseconds, from any origin, and never goes back. {@link #tick} should be called every
 *       {@link Coordinator#TICK}.
 * </dl>
 */
final class CoordinatorClient {

    /** Time from the end of the run: a program that waits for other ranks, or for data, learns of it much sooner. */
    static final Duration TO_LEARN = Duration.ofMillis(700);

    private static final long NEVER = -1;

    private final String address;
    private final Uplink uplink;
    private final MemberListener listener;
    private final UnstalledClock clock;
    private volatile RunView view;

    /** Whether the program has been told how the run ended. */
    private volatile boolean told;

    /** The present group key; null before the roster has arrived. */
    private volatile @Nullable GroupKey groupKey;

    private @Nullable Welcome welcome;
    private @Nullable Round round;
    private boolean joined;
    private boolean leaving;
    private boolean closed;
    private boolean detached;
    private final Pulse pulse;
    private long endHeard = NEVER;
    private boolean endReported;

    /** An exchange in which this rank takes part. */
    private static final class Round {
        final int size;
        final List<byte[]> values = new ArrayList<>();
        int awaited = Message.NO_RANK;

        Round(int size) {
            this.size = size;
        }
    }

    /**
     * Starts to listen.
     *
     * @param rank the rank requested, or {@link Message#ANY_RANK}
     * @param address of the coordinator, for errors
     * @param now current time
     */
    CoordinatorClient(int rank, String address, Uplink uplink, MemberListener listener, long now) {
        this.address = address;
        this.uplink = uplink;
        this.listener = listener;
        this.clock = new UnstalledClock(now, Coordinator.TICK.multipliedBy(2));
        this.pulse = new Pulse(clock.time());
        this.view = RunView.of(rank);
    }

    /** What this rank knows of the run. May be called from any thread. */
    RunView view() {
        return view;
    }

    /**
     * Notes that the program has been told how the run ended. Returns whether it had been before. May be called from
     * any thread.
     */
    boolean told() {
        boolean before = told;
        told = true;
        return before;
    }

    /** Fails if the run has ended: the program has then been told. May be called from any thread. */
    void check(int observer, Object doing) {
        Ending ending = view.ending();
        if (ending != null) {
            told = true;
            throw ending.asException(observer, doing.toString());
        }
    }

    /** The key of the present members; null before the roster has arrived. May be called from any thread. */
    @Nullable GroupKey groupKey() {
        return groupKey;
    }

    /** The coordinator's greeting; null if it has not arrived yet. */
    @Nullable Welcome welcome() {
        return welcome;
    }

    /** Asks to join. A refusal shows later. */
    void join(Join request) {
        joined = true;
        uplink.send(request);
    }

    /** Sends this rank's addresses. */
    void ready(Map<String, String> addresses) {
        uplink.send(new Ready(addresses));
    }

    /**
     * Begins an exchange.
     *
     * @param ranks the ranks that take part, ascending
     * @param value copied
     */
    void offer(List<Integer> ranks, String topic, byte[] value) {
        round = new Round(ranks.size());
        uplink.send(new Offer(ranks, topic, ByteBuffer.wrap(value.clone())));
    }

    /** The values of an exchange, in the order of its ranks; null until they are known. */
    @Nullable List<byte[]> values() {
        Round current = round;
        return current == null || current.values.size() < current.size ? null : List.copyOf(current.values);
    }

    /** The first rank that the coordinator awaits in the exchange; null before it has answered the offer. */
    @Nullable Member awaited() {
        Round current = round;
        return current == null || current.awaited < 0 ? null : view.member(current.awaited);
    }

    /** Sends a value that must be that of every other of these ranks with the same topic. */
    void attest(List<Integer> ranks, String topic, String value, String remedy) {
        uplink.send(new Attest(ranks, topic, value, remedy));
    }

    /** Declares this rank expendable to all ranks. */
    void beExpendable() {
        uplink.send(new Expendable(view.rank()));
    }

    /** Declares this rank expendable as long as others, of these incarnations by rank, hold what it holds. */
    void beExpendable(SortedMap<Integer, Integer> backedBy) {
        uplink.send(new Backed(List.copyOf(backedBy.keySet()), List.copyOf(backedBy.values())));
    }

    /** Tells all ranks that this one cannot continue. */
    void fail(String reason) {
        uplink.send(new Failed(reason));
    }

    /** Leaves the run in good order. Returns false, and does nothing, if the run has not started, or has ended. */
    boolean leave(List<Long> sent, String lastCall) {
        if (leaving || !view.isComplete() || view.ending() != null) {
            return false;
        }
        leaving = true;
        uplink.send(new Leave(sent, lastCall));
        return true;
    }

    /** Closes this rank's connection: what becomes of it is no longer reported. */
    void close() {
        leaving = true;
        closed = true;
    }

    boolean isClosed() {
        return closed;
    }

    /** Whether the connection has ended, or cannot be used any more. */
    boolean isDetached() {
        return detached;
    }

    /** A message of the coordinator was received. */
    void received(Message message) {
        pulse.beat(clock.time());
        if (message instanceof Welcome greeting) {
            welcome = greeting;
        } else if (message instanceof GroupKey key) {
            groupKey = key;
        } else if (message instanceof Roster roster) {
            view = view.rostered(roster);
        } else if (message instanceof Value value) {
            received(value);
        } else if (message instanceof Heartbeat heartbeat) {
            uplink.send(heartbeat);
        } else if (message instanceof Awaited awaited) {
            awaits(awaited.rank());
        } else if (message instanceof Left left) {
            left(left);
        } else if (message instanceof Expendable expendable) {
            view = view.withExpendable(expendable.rank());
        } else if (message instanceof LostExpendable lost) {
            lostExpendable(lost);
        } else if (message instanceof Returned returned) {
            returned(returned.seat());
        } else if (message instanceof Lost lost) {
            end(Ending.lost(lost.member(), lost.reason()));
        } else if (message instanceof Refused refused) {
            end(Ending.refused(refused.reason()));
        } else if (message instanceof Disagreed disagreed) {
            end(Ending.disagreed(disagreed.reason()));
        } else {
            throw new ProtocolException(
                    "a " + message.getClass().getSimpleName() + " message, which is not a coordinator's to send");
        }
    }

    private void received(Value value) {
        Round current = round;
        if (current != null) {
            byte[] bytes = new byte[value.value().remaining()];
            value.value().duplicate().get(bytes);
            current.values.add(bytes);
        }
    }

    private void awaits(int rank) {
        Round current = round;
        if (current != null) {
            current.awaited = rank;
        }
    }

    private void left(Left left) {
        view = view.left(left);
        if (view.isComplete() && view.rank() == left.rank() && !left.missed().isEmpty()) {
            listener.missed(view.member(left.rank()), left.missed());
        }
    }

    private void lostExpendable(LostExpendable lost) {
        view = view.lostExpendable(lost);
        if (view.reportsForAll()) {
            listener.lostExpendable(lost.member(), lost.reason());
        }
        if (view.isComplete() && view.rank() == lost.member().rank()) {
            end(Ending.givenUp(lost.reason()));
        }
    }

    private void returned(Seat seat) {
        if (view.reportsForAll()) {
            listener.returned(seat.member());
        }
        view = view.returned(seat);
    }

    private void end(Ending ending) {
        view = view.ended(ending);
    }

    /**
     * The connection has ended, or cannot be used any more.
     *
     * @param how the way it was noticed
     */
    void disconnected(String how) {
        if (detached) {
            return;
        }
        detached = true;
        Welcome known = welcome;
        if (known == null) {
            end(Ending.noCoordinator(address, how));
            return;
        }
        Member host = known.host();
        boolean expected = leaving || view.hasLeft(host.rank());
        if (!expected) {
            end(host.rank() < 0 ? Ending.launcherLost(host, how) : Ending.lost(host, how));
        }
    }

    /** Time has passed. */
    void tick(long now) {
        long time = clock.advance(now);
        if (!joined || detached) {
            pulse.beat(time);
        } else if (pulse.isLost(time, limits())) {
            disconnected(limits().ofSupervisor());
        }
        reportForTheProgram(time);
    }

    private SilenceLimits limits() {
        return welcome == null ? SilenceLimits.DEFAULT : welcome.limits();
    }

    /**
     * Logs the end of the run in place of a program that has made no call since: it may be computing, or waiting for
     * something outside Gyre. Time is counted from the first tick after the end, so that a program on a busy host is
     * not taken for silent before it could run.
     */
    private void reportForTheProgram(long time) {
        Ending ending = view.ending();
        if (ending == null || !view.isComplete() || endReported || told || leaving) {
            return;
        }
        if (endHeard == NEVER) {
            endHeard = time;
        } else if (time - endHeard > TO_LEARN.toNanos()) {
            endReported = true;
            GyreException failure = ending.asException(view.rank(), "no call of Gyre");
            listener.unaware(view.rank(), failure);
            uplink.send(new Unaware());
        }
    }
}
