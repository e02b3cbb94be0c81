package io.gyre.transport;

import io.gyre.DisagreementException;
import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.ProtocolException;
import io.gyre.membership.Coordinator;
import io.gyre.membership.Message;
import io.gyre.membership.Message.Disagreed;
import io.gyre.membership.Message.Expendable;
import io.gyre.membership.Message.Failed;
import io.gyre.membership.Message.Fallen;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Leave;
import io.gyre.membership.Message.Left;
import io.gyre.membership.Message.Lost;
import io.gyre.membership.Message.Offer;
import io.gyre.membership.Message.Ready;
import io.gyre.membership.Message.Refused;
import io.gyre.membership.Message.Returned;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.Message.Unaware;
import io.gyre.membership.Message.Value;
import io.gyre.membership.Message.Welcome;
import io.gyre.membership.Seat;
import io.gyre.membership.UnstalledClock;
import io.gyre.network.Verdicts;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rank's connection to the coordinator of its run: joins, exchanges small values, and learns who is lost.
 *
 * <p>A daemon thread owns the socket from {@link #connect} to {@link #close}; other threads leave messages for it and wait for
 * what it receives.
 */
final class CoordinatorLink implements Verdicts, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(CoordinatorLink.class);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(1);
    private static final long POLL_MILLIS = 200;

    /** From the loss of a rank on: a program that waits for others, or for data, learns of it in far less. */
    private static final Duration TO_LEARN = Duration.ofMillis(700);

    private final Selector selector;
    private final MessageChannel channel;
    private final InetSocketAddress address;
    private final Queue<ByteBuffer> outgoing = new ConcurrentLinkedQueue<>();
    private final Thread thread;
    private final UnstalledClock clock = new UnstalledClock(System.nanoTime(), Coordinator.TICK.multipliedBy(2));
    private volatile @Nullable Ending ending;

    /** Whether the program has been told how the run ended. */
    private volatile boolean told;

    private volatile boolean closed;

    /** Who has which seat now. Empty before the roster has come. */
    private volatile List<Seat> seats = List.of();

    // Guarded by this.
    private @Nullable Welcome welcome;
    private @Nullable Roster roster;
    private final List<byte[]> values = new ArrayList<>();
    private final BitSet left = new BitSet();
    private final BitSet expendable = new BitSet();
    private final Map<Integer, List<Long>> departures = new HashMap<>();
    private final Map<Integer, String> falls = new HashMap<>();
    private final Map<Integer, String> lastCalls = new HashMap<>();
    private int awaited = Message.NO_RANK;
    private boolean joined;
    private boolean leaving;

    // The thread's own.
    private long lastHeard;
    private long nextHeartbeat;
    private long endHeard;
    private boolean endSpoken;

    /** Why the session cannot go on. */
    @FunctionalInterface
    private interface Ending {
        GyreException asException(int observer, String doing);
    }

    /**
     * Connects to a coordinator.
     *
     * @throws IOException if nobody answers there
     */
    static CoordinatorLink connect(InetSocketAddress address, Duration timeout) throws IOException {
        SocketChannel socket = SocketChannel.open();
        try {
            socket.socket().connect(address, Math.toIntExact(Math.max(1, timeout.toMillis())));
            CoordinatorLink link = new CoordinatorLink(socket, address);
            link.thread.start();
            return link;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    private CoordinatorLink(SocketChannel socket, InetSocketAddress address) throws IOException {
        this.address = address;
        selector = Selector.open();
        channel = new MessageChannel(socket, selector);
        channel.trust();
        thread = new Thread(this::run, "gyre-control-" + address.getPort());
        thread.setDaemon(true);
    }

    private void run() {
        try {
            while (!closed) {
                selector.select(POLL_MILLIS);
                sendAll();
                for (SelectionKey key : selector.selectedKeys()) {
                    if (key.isWritable()) {
                        channel.flush();
                    }
                    if (key.isReadable()) {
                        receiveAll();
                    }
                }
                selector.selectedKeys().clear();
                heartbeat();
                speakForTheProgram();
            }
            sendAll();
        } catch (IOException | RuntimeException e) {
            coordinatorGone(e.getMessage() == null ? e.toString() : e.getMessage());
            awaitSpoken();
        } finally {
            release();
        }
    }

    private void sendAll() throws IOException {
        for (ByteBuffer frame = outgoing.poll(); frame != null; frame = outgoing.poll()) {
            channel.send(frame);
        }
    }

    private void receiveAll() throws IOException {
        for (Message message = channel.receive(); message != null; message = channel.receive()) {
            lastHeard = clock.time();
            received(message);
        }
    }

    private synchronized void received(Message message) {
        if (message instanceof Welcome own) {
            welcome = own;
        } else if (message instanceof Roster own) {
            seats = own.seats();
            roster = own;
        } else if (message instanceof Value value) {
            byte[] bytes = new byte[value.value().remaining()];
            value.value().get(bytes);
            values.add(bytes);
        } else if (message instanceof Heartbeat heartbeat) {
            awaited = heartbeat.awaited();
        } else if (message instanceof Left gone) {
            left.set(gone.rank());
            departures.put(gone.rank(), gone.sent());
            lastCalls.put(gone.rank(), gone.lastCall());
            Roster known = roster;
            if (known != null && known.rank() == gone.rank() && !gone.missed().isEmpty()) {
                LOG.warn(
                        "{} leaves the run, and has not made a call for which others wait: {}",
                        known.seats().get(gone.rank()).member(),
                        gone.missed());
            }
        } else if (message instanceof Expendable notMissed) {
            expendable.set(notMissed.rank());
        } else if (message instanceof Fallen fallen) {
            left.set(fallen.member().rank());
            if (speaksForAll()) {
                LOG.warn("the run has lost {} ({}) and goes on without it", fallen.member(), fallen.reason());
            }
            falls.put(fallen.member().rank(), fallen.reason());
            Roster known = roster;
            if (known != null && known.rank() == fallen.member().rank()) {
                end((observer, doing) -> new GyreException("rank " + observer + " stopped in " + doing
                        + ": the others go on without it (" + fallen.reason() + ")"));
            }
        } else if (message instanceof Returned returned) {
            returned(returned.seat());
        } else if (message instanceof Lost lost) {
            end((observer, doing) -> new PeerLostException(observer, lost.member(), lost.reason(), doing));
        } else if (message instanceof Refused refused) {
            end((observer, doing) -> new GyreException(refused.reason()));
        } else if (message instanceof Disagreed disagreed) {
            end((observer, doing) -> new DisagreementException(disagreed.reason()));
        } else {
            throw new ProtocolException(
                    "a " + message.getClass().getSimpleName() + " message, which is not a coordinator's to send");
        }
        notifyAll();
    }

    /** Whether this is the first rank that is still there: what all hear is logged once. */
    private boolean speaksForAll() {
        Roster known = roster;
        return known != null && known.rank() == left.nextClearBit(0);
    }

    /** A lost rank's seat has been taken. Whoever sees that it is not gone any more sees its new number, too. */
    private void returned(Seat seat) {
        int rank = seat.member().rank();
        if (speaksForAll()) {
            LOG.info("{} has come back, in place of a process that was lost", seat.member());
        }
        List<Seat> now = new ArrayList<>(seats);
        now.set(rank, seat);
        seats = List.copyOf(now);
        departures.remove(rank);
        falls.remove(rank);
        left.clear(rank);
    }

    private void heartbeat() throws IOException {
        long now = clock.advance(System.nanoTime());
        boolean member;
        synchronized (this) {
            member = joined;
        }
        if (!member) {
            lastHeard = now;
            return;
        }
        if (now - lastHeard > Coordinator.LOSS.toNanos()) {
            throw new IOException("nothing has come from it for " + Coordinator.LOSS.toSeconds() + " s");
        }
        if (now >= nextHeartbeat) {
            nextHeartbeat = now + Coordinator.HEARTBEAT.toNanos();
            post(new Heartbeat(Message.NO_RANK));
        }
    }

    /**
     * Once the run has ended, says so in the place of a program that has made no call since: it may be computing, or
     * waiting for something that is not ours. Time is counted as this thread sees it, so that a program on a busy host
     * is not taken for silent before it could run.
     */
    private synchronized void speakForTheProgram() {
        Ending verdict = ending;
        Roster known = roster;
        if (verdict == null || known == null || endSpoken || told || leaving) {
            return;
        }
        if (endHeard == 0) {
            endHeard = clock.time();
        } else if (clock.time() - endHeard > TO_LEARN.toNanos()) {
            endSpoken = true;
            LOG.warn(
                    "{} The program of rank {} does not know yet: it has made no call of Gyre for {} ms.",
                    verdict.asException(known.rank(), "no call of Gyre").getMessage(),
                    known.rank(),
                    TO_LEARN.toMillis());
            post(new Unaware());
        }
    }

    /** With nobody to listen to, but perhaps something to say. */
    private void awaitSpoken() {
        while (!closed && ending != null && !told && !endSpoken) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(POLL_MILLIS));
            clock.advance(System.nanoTime());
            speakForTheProgram();
        }
    }

    private synchronized void coordinatorGone(String how) {
        Welcome known = welcome;
        if (leaving
                || (known != null
                        && left.get(Math.max(0, known.host().rank()))
                        && known.host().rank() >= 0)) {
            notifyAll();
            return;
        }
        if (known == null) {
            end((observer, doing) -> new GyreException("whoever listens at " + address
                    + " is no rendezvous of Gyre, or has ended: " + how + ". Is the port in use by another program?"));
        } else if (known.host().rank() >= 0) {
            end((observer, doing) -> new PeerLostException(observer, known.host(), how, doing));
        } else {
            end((observer, doing) -> new GyreException("rank " + observer + " stopped in " + doing
                    + ": the launcher (host " + known.host().host() + ", pid "
                    + known.host().pid()
                    + "), which watches over the run, is gone: " + how));
        }
    }

    private synchronized void end(Ending verdict) {
        if (ending == null) {
            ending = verdict;
        }
        notifyAll();
    }

    private void release() {
        try {
            channel.close();
            selector.close();
        } catch (IOException e) {
            LOG.debug("closing the connection to {} failed", address, e);
        }
    }

    private void post(Message message) {
        outgoing.add(MessageChannel.frame(message));
        selector.wakeup();
    }

    @Override
    public void check(int observer, Object doing) {
        Ending verdict = ending;
        if (verdict != null) {
            told = true;
            throw verdict.asException(observer, doing.toString());
        }
    }

    /** As {@link io.gyre.session.Session#check}. */
    void check(int observer, List<Integer> ranks, Object doing) {
        check(observer, doing);
        synchronized (this) {
            for (int rank : ranks) {
                checkPresent(observer, rank, doing);
            }
        }
    }

    /** As {@link io.gyre.session.Session#isWhole}. */
    synchronized boolean isWhole(List<Integer> ranks) {
        return ending == null && ranks.stream().noneMatch(this::isAbsent);
    }

    private synchronized boolean isAbsent(int rank) {
        return left.get(rank) && !expendable.get(rank);
    }

    private void checkPresent(int observer, int rank, Object doing) {
        if (isAbsent(rank)) {
            throw new PeerLostException(observer, members().get(rank), howLeft(rank), doing.toString());
        }
    }

    /** Whether the session cannot go on. */
    boolean hasEnded() {
        return ending != null;
    }

    @Override
    public synchronized boolean hasLeft(int rank) {
        return left.get(rank);
    }

    @Override
    public synchronized String howLeft(int rank) {
        String fall = falls.get(rank);
        return fall == null ? PeerLostException.left(lastCalls.getOrDefault(rank, "")) : fall;
    }

    /** Who has which seat now, by rank. */
    List<Seat> seats() {
        return seats;
    }

    /** Who takes part now, by rank. */
    List<Member> members() {
        return seats.stream().map(Seat::member).toList();
    }

    /** As {@link io.gyre.session.Session#incarnation}. */
    int incarnation(int rank) {
        return seats.get(rank).incarnation();
    }

    /** How many frames a rank that has left says that it sent to this one. */
    synchronized long sentBy(int rank, int own) {
        List<Long> sent = departures.get(rank);
        return sent == null ? 0 : sent.get(own);
    }

    /** Waits for the first message of the coordinator. */
    Welcome welcome(int observer, Duration timeout) {
        return await(observer, "joining the run", timeout, () -> welcome, () -> {
            throw new GyreException("whoever listens at " + address + " did not greet as a rendezvous of Gyre within "
                    + timeout.toMillis() + " ms. Is the port in use by another program?");
        });
    }

    /** Asks to take part. Whether that is refused shows later. */
    void join(Join request) {
        post(request);
        synchronized (this) {
            // From now on there are heartbeats, and they stand in the same queue.
            joined = true;
        }
    }

    /** Says where this rank is reached, and waits until everybody has done so. */
    Roster ready(int rank, Map<String, String> addresses, Duration timeout) {
        post(new Ready(addresses));
        return await(rank, "joining the run", timeout, () -> roster, () -> {
            throw new GyreException("rank " + rank + " waited " + timeout.toMillis() + " ms at the rendezvous "
                    + address + " for the other ranks; nobody said who is missing");
        });
    }

    /** As {@link io.gyre.session.Session#exchange}. */
    List<byte[]> exchange(int observer, List<Integer> ranks, String topic, byte[] value, Duration timeout) {
        check(observer, topic);
        List<Member> members = members();
        synchronized (this) {
            values.clear();
            awaited = Message.NO_RANK;
        }
        post(new Offer(ranks, topic, ByteBuffer.wrap(value)));
        return await(
                observer,
                topic,
                timeout,
                () -> {
                    if (values.size() == ranks.size()) {
                        return List.copyOf(values);
                    }
                    for (int rank : ranks) {
                        checkPresent(observer, rank, topic);
                    }
                    return null;
                },
                () -> {
                    Member absentee = awaited < 0 ? null : members.get(awaited);
                    throw new PeerTimeoutException(observer, absentee, topic, timeout);
                });
    }

    private synchronized <T> T await(
            int observer, String doing, Duration timeout, Supplier<@Nullable T> answer, Runnable expired) {
        long deadline = System.nanoTime() + timeout.toNanos();
        for (T found = answer.get(); ; found = answer.get()) {
            if (found != null) {
                return found;
            }
            check(observer, doing);
            if (System.nanoTime() - deadline >= 0) {
                expired.run();
            }
            try {
                wait(POLL_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                // Whoever interrupts because a rank is lost says so first.
                check(observer, doing);
                throw new GyreException("rank " + observer + " was interrupted in " + doing, e);
            }
        }
    }

    /** Tells everybody that they can do without this rank, and returns when the coordinator knows. */
    void beExpendable(int rank, Duration timeout) {
        post(new Expendable(rank));
        await(rank, "becoming expendable", timeout, () -> expendable.get(rank) ? true : null, () -> {
            throw new PeerTimeoutException(rank, null, "becoming expendable", timeout);
        });
    }

    /** Tells everybody that this rank cannot go on. */
    void fail(String reason) {
        post(new Failed(reason));
    }

    /** Leaves the run in good order, and returns when the coordinator knows; it goes on to listen. */
    void leave(int rank, List<Long> sent, String lastCall, long deadline) {
        synchronized (this) {
            if (leaving || roster == null || ending != null) {
                return;
            }
            leaving = true;
        }
        post(new Leave(sent, lastCall));
        awaitUntil(deadline, () -> left.get(rank));
    }

    /** Waits until all of {@code ranks} have left too, or nothing can be learned any more. */
    void awaitDeparture(BitSet ranks, long deadline) {
        awaitUntil(deadline, () -> {
            BitSet missing = (BitSet) ranks.clone();
            missing.andNot(left);
            return missing.isEmpty();
        });
    }

    /** A program that has made its last call learns only from the log that a rank was lost while this one left. */
    void sayWhatTheProgramWasNotTold(int rank) {
        Ending verdict = ending;
        if (verdict != null && !told) {
            told = true;
            GyreException lost = verdict.asException(rank, "leaving the run");
            boolean ownFailure = lost instanceof PeerLostException other && other.rank() == rank;
            if (!ownFailure) {
                LOG.warn(lost.getMessage());
            }
        }
    }

    /** Waits for a verdict that must come. */
    void awaitEnding(long deadline) {
        awaitUntil(deadline, () -> false);
    }

    /** Waits, however often it is interrupted, because something is being closed. */
    private synchronized void awaitUntil(long deadline, BooleanSupplier reached) {
        boolean interrupted = false;
        while (!reached.getAsBoolean() && ending == null && thread.isAlive() && System.nanoTime() - deadline < 0) {
            try {
                wait(POLL_MILLIS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Closes the connection. A second call does nothing. */
    @Override
    public void close() {
        synchronized (this) {
            leaving = true;
        }
        closed = true;
        selector.wakeup();
        LockSupport.unpark(thread);
        Threads.join(thread, CLOSE_TIMEOUT);
    }
}
