package io.gyre;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A network of ranks that are threads of one JVM: the reference implementation of {@link Endpoint} and {@link Session}. Needs
 * no JVM flag and no native code.
 */
final class InProcessNetwork implements Verdicts {

    private final List<Member> members = new ArrayList<>();
    private final InProcessLink[][] links;
    private final Duration peerTimeout;
    private final AtomicReference<@Nullable Loss> loss = new AtomicReference<>();
    private final ExchangeBoard board;
    private final AtomicIntegerArray left;
    private final InProcessBoxes.Shelf shelf = new InProcessBoxes.Shelf();

    InProcessNetwork(int ranks, Duration peerTimeout) {
        if (ranks < 1) {
            throw new IllegalArgumentException("a network of " + ranks + " ranks: at least 1 is needed");
        }
        this.peerTimeout = peerTimeout;
        long pid = ProcessHandle.current().pid();
        links = new InProcessLink[ranks][ranks];
        for (int from = 0; from < ranks; from++) {
            members.add(new Member(from, "this JVM", pid));
            for (int to = 0; to < ranks; to++) {
                links[from][to] = new InProcessLink();
            }
        }
        board = new ExchangeBoard(ranks);
        left = new AtomicIntegerArray(ranks);
    }

    /** The session of one rank; ask once for each. */
    Session session(int rank) {
        return new InProcessSession(this, new World(rank, links.length));
    }

    List<Member> members() {
        return members;
    }

    InProcessLink link(int from, int to) {
        return links[from][to];
    }

    Duration peerTimeout() {
        return peerTimeout;
    }

    InProcessBoxes.Shelf shelf() {
        return shelf;
    }

    ExchangeBoard board() {
        return board;
    }

    /** Declares a rank dead; the first to be declared is the one that all others name. */
    void lost(int rank, String reason) {
        if (loss.compareAndSet(null, new Loss(members.get(rank), reason))) {
            board.wakeAll();
        }
    }

    @Override
    public void check(int observer, Object doing) {
        Loss found = loss.get();
        if (found != null) {
            throw new PeerLostException(observer, found.member, found.reason, doing.toString());
        }
    }

    /** Notes that a rank has ended in good order: what it sent before stays readable, and no more will come. */
    void left(int rank) {
        left.set(rank, 1);
        board.wakeAll();
    }

    @Override
    public boolean hasLeft(int rank) {
        return left.get(rank) != 0;
    }

    private record Loss(Member member, String reason) {}

    /** Where ranks meet to swap small values: a round is over when all have put theirs down. */
    static final class ExchangeBoard {

        private final Map<Integer, byte[]> values = new TreeMap<>();
        private final String[] topics;
        private List<byte[]> lastRound = List.of();
        private @Nullable String lastMismatch;
        private long round;

        ExchangeBoard(int ranks) {
            topics = new String[ranks];
        }

        synchronized List<byte[]> exchange(InProcessNetwork network, int rank, String topic, byte[] value) {
            long own = round;
            values.put(rank, value.clone());
            topics[rank] = topic;
            if (values.size() == topics.length) {
                lastRound = List.copyOf(values.values());
                lastMismatch = findMismatch(network.members());
                values.clear();
                round++;
                notifyAll();
            } else {
                await(network, rank, topic, own);
            }
            if (lastMismatch != null) {
                throw new DisagreementException(lastMismatch);
            }
            return lastRound;
        }

        private void await(InProcessNetwork network, int rank, String topic, long own) {
            long deadline = System.nanoTime() + network.peerTimeout().toNanos();
            while (round == own) {
                network.check(rank, topic);
                Member absentee = network.members().get(absentRank(network));
                if (network.hasLeft(absentee.rank())) {
                    throw new PeerLostException(rank, absentee, "it has left the run", topic);
                }
                long restMillis = (deadline - System.nanoTime()) / 1_000_000;
                if (restMillis <= 0) {
                    throw new PeerTimeoutException(rank, absentee, topic, network.peerTimeout());
                }
                try {
                    wait(restMillis);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new GyreException("rank " + rank + " was interrupted in " + topic, e);
                }
            }
        }

        private @Nullable String findMismatch(List<Member> members) {
            for (int rank = 1; rank < topics.length; rank++) {
                if (!topics[rank].equals(topics[0])) {
                    return "ranks exchange different things: " + members.get(0) + " '" + topics[0] + "', "
                            + members.get(rank) + " '" + topics[rank]
                            + "'. All ranks must run the same program with the same options.";
                }
            }
            return null;
        }

        /** A rank that has not put down its value: one that never will if there is any, else the first. */
        private int absentRank(InProcessNetwork network) {
            int first = -1;
            for (int rank = 0; rank < topics.length; rank++) {
                if (!values.containsKey(rank)) {
                    if (network.hasLeft(rank)) {
                        return rank;
                    }
                    first = first < 0 ? rank : first;
                }
            }
            return first;
        }

        synchronized void wakeAll() {
            notifyAll();
        }
    }
}
