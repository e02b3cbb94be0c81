package io.gyre.membership;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.membership.Message.GroupKey;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Welcome;
import io.gyre.network.PeerStatus;
import io.gyre.network.Time;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rank's membership in a run, as its session sees it: joins, exchanges small values, leaves, and knows which ranks
 * are lost. {@link CoordinatorClient} implements the protocol, and {@link Waits} lets threads wait for it.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>Any thread may call any method; one exchange at a time. Waits release the monitor. Queries, such as
 *       {@link #check(int, Object)} and {@link #hasLeft}, take no lock.
 *   <dt>Waits
 *   <dd>End with {@link PeerLostException} or another {@link GyreException} as soon as the run has ended, and on an
 *       interrupt, which stays set.
 * </dl>
 */
public final class Membership implements PeerStatus, Downlink {

    private static final Logger LOG = LoggerFactory.getLogger(Membership.class);
    private static final int SHOWN_CHARS = 40;
    private static final String JOINING = "joining the run";

    private final String address;
    private final Time time;
    private final Object monitor;
    private final Waits waits;

    // Guarded by the monitor, except for what the client allows from any thread.
    private final CoordinatorClient client;

    /** The topic of the last exchange. Guarded by the monitor. */
    private String lastCall = "";

    /**
     * Starts to listen.
     *
     * @param rank the rank requested, or {@link Message#ANY_RANK}
     * @param address of the coordinator, for errors
     * @param uplink borrowed
     * @param time of all waits
     * @param monitor guards this membership; memberships that call each other share it
     */
    public Membership(int rank, String address, Uplink uplink, Time time, Object monitor) {
        this.address = address;
        this.time = time;
        this.monitor = monitor;
        this.client = new CoordinatorClient(rank, address, uplink, new MembershipLog(), time.now());
        this.waits = new Waits(client, uplink, time, monitor);
    }

    @Override
    public void received(Message message) {
        synchronized (monitor) {
            client.received(message);
            time.signal(monitor);
        }
    }

    @Override
    public void disconnected(String how) {
        synchronized (monitor) {
            client.disconnected(how);
            time.signal(monitor);
        }
    }

    @Override
    public void tick() {
        synchronized (monitor) {
            client.tick(time.now());
            time.signal(monitor);
        }
    }

    @Override
    public boolean isDetached() {
        synchronized (monitor) {
            return client.isDetached();
        }
    }

    /** Waits for the coordinator's greeting. */
    public Welcome welcome(Duration timeout) {
        return waits.until(
                JOINING,
                timeout,
                client::welcome,
                () -> new GyreException("the process that listens at " + address
                        + " did not answer as a rendezvous of Gyre within " + timeout.toMillis()
                        + " ms. Is the port in use by another program?"));
    }

    /** Asks to join. A refusal shows later. */
    public void join(Join request) {
        synchronized (monitor) {
            client.join(request);
        }
    }

    /** Reports that this rank is ready, and its addresses for peers. */
    public void ready(Map<String, String> addresses) {
        synchronized (monitor) {
            client.ready(addresses);
        }
    }

    /**
     * Waits until all ranks are ready.
     *
     * @return this process's rank in the run
     * @throws GyreException if this rank is refused, or others do not join
     */
    public int awaitEverybody(Duration timeout) {
        return waits.until(
                JOINING,
                timeout,
                () -> view().isComplete() ? rank() : null,
                () -> new GyreException("rank " + rank() + " waited " + timeout.toMillis()
                        + " ms at the rendezvous " + address
                        + " for the other ranks; the coordinator did not report who is missing"));
    }

    /** Waits until all ranks have made this call: no rank may leave before all have found it. */
    public void endJoining(Duration timeout) {
        String topic = "the end of joining";
        check(rank(), topic);
        List<Integer> everybody = IntStream.range(0, seats().size()).boxed().toList();
        swap(everybody, topic, new byte[0], timeout);
    }

    /** As {@link io.gyre.session.Session#exchange}. */
    public List<byte[]> exchange(List<Integer> ranks, String topic, byte[] value, Duration timeout) {
        checkLength("topic of an exchange", topic);
        if (value.length > Session.MAX_EXCHANGE_BYTES) {
            throw new IllegalArgumentException(
                    "exchange of " + value.length + " bytes for " + topic + ": at most " + Session.MAX_EXCHANGE_BYTES);
        }
        check(rank(), topic);
        synchronized (monitor) {
            lastCall = topic;
        }
        return swap(ranks, topic, value, timeout);
    }

    private List<byte[]> swap(List<Integer> ranks, String topic, byte[] value, Duration timeout) {
        synchronized (monitor) {
            client.offer(ranks, topic, value);
        }
        return waits.until(
                topic,
                timeout,
                () -> {
                    List<byte[]> values = client.values();
                    // Before the coordinator says whom it awaits, recorded values may be on their way: to a restarted
                    // worker, from ranks that have left since.
                    if (values == null && client.awaited() != null) {
                        checkPresent(ranks, topic);
                    }
                    return values;
                },
                () -> new PeerTimeoutException(rank(), client.awaited(), topic, timeout));
    }

    /** Declares this rank expendable to all ranks, and returns when the coordinator knows. */
    public void beExpendable(Duration timeout) {
        String doing = "becoming expendable";
        synchronized (monitor) {
            client.beExpendable();
        }
        waits.until(
                doing,
                timeout,
                () -> view().expendable().contains(rank()) ? true : null,
                () -> new PeerTimeoutException(rank(), null, doing, timeout));
    }

    /** As {@link io.gyre.session.Session#beExpendable(SortedMap)}: does not wait. */
    public void beExpendable(SortedMap<Integer, Integer> backedBy) {
        synchronized (monitor) {
            client.beExpendable(backedBy);
        }
    }

    /** As {@link io.gyre.session.Session#attest}. */
    public void attest(List<Integer> ranks, String topic, String value, String remedy) {
        checkLength("topic that is attested", topic);
        checkLength("value attested for " + topic, value);
        checkLength("remedy for " + topic, remedy);
        check(rank(), topic);
        synchronized (monitor) {
            client.attest(ranks, topic, value, remedy);
        }
    }

    private static void checkLength(String what, String text) {
        if (text.length() > Session.MAX_TEXT_CHARS) {
            throw new IllegalArgumentException("a " + what + " of " + text.length() + " characters: at most "
                    + Session.MAX_TEXT_CHARS + ". It begins '" + text.substring(0, SHOWN_CHARS) + "'");
        }
    }

    /** Tells all ranks that this one cannot continue. A reason that is too long is cut: a failure must not fail. */
    public void fail(String reason) {
        int more = reason.length() - Session.MAX_TEXT_CHARS;
        String sent =
                more <= 0 ? reason : reason.substring(0, Session.MAX_TEXT_CHARS) + "… (" + more + " more characters)";
        synchronized (monitor) {
            client.fail(sent);
        }
    }

    /**
     * Leaves the run in good order, and returns when the coordinator knows, or no more messages can arrive; continues
     * to listen.
     *
     * @param sent number of frames that this rank has sent to each
     * @param deadline of this membership's time
     */
    public void leave(List<Long> sent, long deadline) {
        boolean leaving;
        synchronized (monitor) {
            leaving = client.leave(sent, lastCall);
        }
        if (leaving) {
            waits.untilClosed(deadline, () -> view().hasLeft(rank()));
        }
    }

    /** Waits until all of {@code ranks} have left too, or no more messages can arrive. */
    public void awaitDeparture(BitSet ranks, long deadline) {
        waits.untilClosed(deadline, () -> ranks.stream().allMatch(view()::hasLeft));
    }

    /** Waits for the end of the run, which is expected to come. */
    public void awaitEnding(Duration timeout) {
        waits.untilClosed(time.now() + timeout.toNanos(), () -> false);
    }

    /**
     * Logs a loss that happened while this rank left: a program that has made its last call learns of it only from the
     * log.
     */
    public void logUnreportedLoss() {
        Ending ending = view().ending();
        if (ending != null && !client.told()) {
            int rank = rank();
            GyreException failure = ending.asException(rank, "leaving the run");
            boolean ownFailure = failure instanceof PeerLostException lost && lost.rank() == rank;
            if (!ownFailure) {
                LOG.warn(failure.getMessage());
            }
        }
    }

    @Override
    public void close() {
        synchronized (monitor) {
            client.close();
            time.signal(monitor);
        }
    }

    @Override
    public void check(int observer, Object doing) {
        client.check(observer, doing);
    }

    /** As {@link io.gyre.session.Session#check}. */
    public void check(List<Integer> ranks, Object doing) {
        check(rank(), doing);
        checkPresent(ranks, doing);
    }

    private void checkPresent(List<Integer> ranks, Object doing) {
        RunView now = view();
        for (int rank : ranks) {
            if (now.isAbsent(rank)) {
                throw new PeerLostException(now.rank(), now.member(rank), now.howLeft(rank), doing.toString());
            }
        }
    }

    /** As {@link io.gyre.session.Session#isWhole}. */
    public boolean isWhole(List<Integer> ranks) {
        return view().isWhole(ranks);
    }

    /** Whether the run cannot continue. */
    public boolean hasEnded() {
        return view().ending() != null;
    }

    @Override
    public boolean hasLeft(int rank) {
        return view().hasLeft(rank);
    }

    @Override
    public String howLeft(int rank) {
        return view().howLeft(rank);
    }

    /** This process's rank; the requested one until all ranks are ready. */
    public int rank() {
        return view().rank();
    }

    /** The current holders of the seats, by rank; empty until all ranks are ready. */
    public List<Seat> seats() {
        return view().seats();
    }

    /** The key of the present members; null until all ranks are ready. */
    public @Nullable GroupKey groupKey() {
        return client.groupKey();
    }

    /** The current members, by rank. */
    public List<Member> members() {
        return seats().stream().map(Seat::member).toList();
    }

    /** As {@link io.gyre.session.Session#incarnation}. */
    public int incarnation(int rank) {
        return seats().get(rank).incarnation();
    }

    /** Number of frames that a rank that has left reports to have sent to this one; 0 if it did not report. */
    public long sentBy(int rank) {
        return view().sentBy(rank);
    }

    private RunView view() {
        return client.view();
    }
}
