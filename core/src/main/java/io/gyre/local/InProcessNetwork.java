package io.gyre.local;

import io.gyre.DisagreementException;
import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.World;
import io.gyre.network.Endpoint;
import io.gyre.network.Verdicts;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A network of ranks that are threads of one JVM: the reference implementation of {@link Endpoint} and {@link Session}. Needs
 * no JVM flag and no native code.
 */
final class InProcessNetwork implements Verdicts {

    private static final Logger LOG = LoggerFactory.getLogger(InProcessNetwork.class);

    private final List<Member> members = new ArrayList<>();
    private final InProcessLink[][][] links;
    private final Duration peerTimeout;
    private final AtomicReference<@Nullable Loss> loss = new AtomicReference<>();
    private final Map<List<Integer>, ExchangeBoard> boards = new ConcurrentHashMap<>();

    /** Whose loss ends nothing. */
    private final Set<Integer> expendable = ConcurrentHashMap.newKeySet();

    /** Of expendable ranks that were lost: why. */
    private final Map<Integer, String> fallen = new ConcurrentHashMap<>();

    private final AtomicIntegerArray left;

    /** By rank: the topic of its last exchange. */
    private final AtomicReferenceArray<String> lastCalls;

    private final InProcessBoxes.Shelf shelf = new InProcessBoxes.Shelf();

    InProcessNetwork(int ranks, Duration peerTimeout) {
        if (ranks < 1) {
            throw new IllegalArgumentException("a network of " + ranks + " ranks: at least 1 is needed");
        }
        this.peerTimeout = peerTimeout;
        long pid = ProcessHandle.current().pid();
        for (int rank = 0; rank < ranks; rank++) {
            members.add(new Member(rank, "this JVM", pid));
        }
        links = new InProcessLink[Session.LANES][ranks][ranks];
        for (InProcessLink[][] lane : links) {
            for (InProcessLink[] ofSender : lane) {
                Arrays.setAll(ofSender, to -> new InProcessLink());
            }
        }
        left = new AtomicIntegerArray(ranks);
        lastCalls = new AtomicReferenceArray<>(ranks);
    }

    /** The session of one rank; ask once for each. */
    Session session(int rank) {
        return new InProcessSession(this, new World(rank, members.size()));
    }

    List<Member> members() {
        return members;
    }

    InProcessLink link(int lane, int from, int to) {
        return links[lane][from][to];
    }

    Duration peerTimeout() {
        return peerTimeout;
    }

    InProcessBoxes.Shelf shelf() {
        return shelf;
    }

    ExchangeBoard board(List<Integer> ranks) {
        return boards.computeIfAbsent(List.copyOf(ranks), ExchangeBoard::new);
    }

    /** Notes that the run may go on without a rank. */
    void expendable(int rank) {
        expendable.add(rank);
    }

    /** Declares a rank dead; the first to be declared is the one that all others name, unless they can do without it. */
    void lost(int rank, String reason) {
        if (expendable.contains(rank)) {
            LOG.warn("the run has lost {} ({}) and goes on without it", members.get(rank), reason);
            fallen.putIfAbsent(rank, reason);
            left(rank);
        } else if (loss.compareAndSet(null, new Loss(members.get(rank), reason))) {
            boards.values().forEach(ExchangeBoard::wakeAll);
        }
    }

    @Override
    public void check(int observer, Object doing) {
        Loss found = loss.get();
        if (found != null) {
            throw new PeerLostException(observer, found.member, found.reason, doing.toString());
        }
    }

    /** As {@link Session#check}. */
    void check(int observer, List<Integer> ranks, Object doing) {
        check(observer, doing);
        for (int rank : ranks) {
            if (isAbsent(rank)) {
                throw new PeerLostException(observer, members.get(rank), howLeft(rank), doing.toString());
            }
        }
    }

    /** As {@link Session#isWhole}. */
    boolean isWhole(List<Integer> ranks) {
        return loss.get() == null && ranks.stream().noneMatch(this::isAbsent);
    }

    private boolean isAbsent(int rank) {
        return hasLeft(rank) && !expendable.contains(rank);
    }

    /** Notes the last call that a rank has made together with others. */
    void called(int rank, String topic) {
        lastCalls.set(rank, topic);
    }

    /** Notes that a rank has ended: what it sent before stays readable, and no more will come. */
    void left(int rank) {
        left.set(rank, 1);
        boards.values().forEach(board -> board.leave(this, rank));
    }

    /** Whether an exchange need not wait for a rank. */
    boolean isMissed(int rank) {
        return hasLeft(rank) && expendable.contains(rank);
    }

    @Override
    public boolean hasLeft(int rank) {
        return left.get(rank) != 0;
    }

    @Override
    public String howLeft(int rank) {
        String reason = fallen.get(rank);
        return reason == null ? PeerLostException.left(Objects.requireNonNullElse(lastCalls.get(rank), "")) : reason;
    }

    private record Loss(Member member, String reason) {}

    /** Where a group of ranks meets to swap small values: a round is over when all have put theirs down. */
    static final class ExchangeBoard {

        private static final byte[] NOTHING = {};

        private final List<Integer> ranks;
        private final Map<Integer, byte[]> values = new TreeMap<>();
        private final Map<Integer, String> topics = new TreeMap<>();
        private List<byte[]> lastRound = List.of();
        private @Nullable String lastMismatch;
        private long round;

        ExchangeBoard(List<Integer> ranks) {
            this.ranks = ranks;
        }

        synchronized List<byte[]> exchange(InProcessNetwork network, int rank, String topic, byte[] value) {
            long own = round;
            values.put(rank, value.clone());
            topics.put(rank, topic);
            await(network, rank, topic, own);
            if (lastMismatch != null) {
                throw new DisagreementException(lastMismatch);
            }
            return lastRound;
        }

        private void await(InProcessNetwork network, int rank, String topic, long own) {
            long deadline = System.nanoTime() + network.peerTimeout().toNanos();
            while (round == own) {
                int missing = absentRank(network);
                if (missing < 0) {
                    finishRound(network);
                    return;
                }
                network.check(rank, topic);
                Member absentee = network.members().get(missing);
                if (network.hasLeft(missing)) {
                    throw new PeerLostException(rank, absentee, network.howLeft(missing), topic);
                }
                long restMillis = (deadline - System.nanoTime()) / 1_000_000;
                if (restMillis <= 0) {
                    throw new PeerTimeoutException(rank, absentee, topic, network.peerTimeout());
                }
                try {
                    wait(restMillis);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    // Whoever interrupts because a rank is lost says so first.
                    network.check(rank, topic);
                    throw new GyreException("rank " + rank + " was interrupted in " + topic, e);
                }
            }
        }

        private void finishRound(InProcessNetwork network) {
            lastRound = ranks.stream()
                    .map(member -> values.getOrDefault(member, NOTHING))
                    .toList();
            lastMismatch = findMismatch(network.members());
            values.clear();
            topics.clear();
            round++;
            notifyAll();
        }

        private @Nullable String findMismatch(List<Member> members) {
            Map.Entry<Integer, String> first = topics.entrySet().iterator().next();
            for (Map.Entry<Integer, String> other : topics.entrySet()) {
                if (!other.getValue().equals(first.getValue())) {
                    return "ranks exchange different things: " + members.get(first.getKey()) + " '" + first.getValue()
                            + "', " + members.get(other.getKey()) + " '" + other.getValue()
                            + "'. All ranks must run the same program with the same options.";
                }
            }
            return null;
        }

        /** A rank that has not put down its value: one that never will if there is any, else the first; -1 if all have. */
        private int absentRank(InProcessNetwork network) {
            int first = -1;
            for (int rank : ranks) {
                if (!values.containsKey(rank) && !network.isMissed(rank)) {
                    if (network.hasLeft(rank)) {
                        return rank;
                    }
                    first = first < 0 ? rank : first;
                }
            }
            return first;
        }

        /** Wakes those who wait for a rank in vain; it should know. */
        synchronized void leave(InProcessNetwork network, int rank) {
            if (ranks.contains(rank) && !values.isEmpty() && !values.containsKey(rank) && !network.isMissed(rank)) {
                Map.Entry<Integer, String> first = topics.entrySet().iterator().next();
                LOG.warn(
                        "{} leaves the run, and has not made a call for which {} waits: '{}'",
                        network.members().get(rank),
                        network.members().get(first.getKey()),
                        first.getValue());
            }
            notifyAll();
        }

        synchronized void wakeAll() {
            notifyAll();
        }
    }
}
