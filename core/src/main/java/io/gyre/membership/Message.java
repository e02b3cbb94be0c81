package io.gyre.membership;

import io.gyre.Member;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What ranks and their coordinator tell each other. */
public sealed interface Message {

    /** Version of these messages. Ranks of one run must agree on it. */
    int PROTOCOL_VERSION = 3;

    /** A rank that leaves it to the coordinator which one it becomes. */
    int ANY_RANK = -1;

    /** A coordinator that is no rank: the launcher. */
    int NO_RANK = -1;

    /**
     * Coordinator to whoever connects: what this is.
     *
     * @param protocolVersion the coordinator's
     * @param run name of the run
     * @param worldSize number of ranks it waits for
     * @param complete whether all ranks have come and none that is expendable is lost, so that nobody else can join
     * @param host who runs the coordinator; its rank is {@link #NO_RANK} if that is the launcher
     */
    record Welcome(int protocolVersion, RunId run, int worldSize, boolean complete, Member host) implements Message {}

    /**
     * Rank to coordinator: the wish to take part.
     *
     * @param protocolVersion the rank's
     * @param worldSize number of ranks it expects
     * @param member who it is; its rank may be {@link #ANY_RANK}
     * @param options settings that must be equal on all ranks, by name
     */
    record Join(int protocolVersion, int worldSize, Member member, Map<String, String> options) implements Message {

        public Join {
            options = Map.copyOf(options);
        }

        /** The options in the order of their names, so that of several differences all ranks find the same one. */
        TreeMap<String, String> sortedOptions() {
            return new TreeMap<>(options);
        }
    }

    /** Rank to coordinator, once after its join: it is ready, and its peers reach it at these addresses. */
    record Ready(Map<String, String> addresses) implements Message {

        public Ready {
            addresses = Map.copyOf(addresses);
        }
    }

    /** Coordinator to one rank: it cannot take part, or the run will not come about. */
    record Refused(String reason) implements Message {}

    /**
     * Coordinator to each rank: everybody is ready. To one that comes into a run that has begun: it is taken in, after
     * messages about those who are expendable and those who have gone.
     *
     * @param rank the receiver's
     * @param seats all ranks, by rank
     */
    record Roster(int rank, List<Seat> seats) implements Message {

        public Roster {
            seats = List.copyOf(seats);
        }
    }

    /**
     * Rank to coordinator: its part of the round of an exchange.
     *
     * @param ranks who takes part, ascending
     * @param value what lies between position and limit
     */
    record Offer(List<Integer> ranks, String topic, ByteBuffer value) implements Message {

        public Offer {
            ranks = List.copyOf(ranks);
        }
    }

    /**
     * Coordinator to each rank of a round: what rank {@code rank} brought to it. Comes once per rank of the round, in
     * their order; one that has gone and is not missed brings nothing.
     */
    record Value(int rank, ByteBuffer value) implements Message {}

    /** Coordinator to each rank: the ranks do not agree on what they exchange. */
    record Disagreed(String reason) implements Message {}

    /** Coordinator to each rank: {@code member} is dead. */
    record Lost(Member member, String reason) implements Message {}

    /** Rank to coordinator, and from there to all: the run may go on without {@code rank}. */
    record Expendable(int rank) implements Message {}

    /** Coordinator to each rank: {@code member}, which is expendable, is dead. */
    record Fallen(Member member, String reason) implements Message {}

    /** Coordinator to each other rank: the seat of an expendable rank that was lost has been taken by a new process. */
    record Returned(Seat seat) implements Message {}

    /**
     * Rank to coordinator: it leaves in good order. It may listen on, and then close the connection.
     *
     * @param sent how many frames it has sent to each rank, which may still be on their way
     * @param lastCall the topic of its last exchange; empty if it had none
     */
    record Leave(List<Long> sent, String lastCall) implements Message {

        public Leave {
            sent = List.copyOf(sent);
        }
    }

    /**
     * Coordinator to each rank, the one itself included: {@code rank} has left in good order.
     *
     * @param sent how many frames it has sent to each
     * @param lastCall the topic of its last exchange
     * @param missed an exchange in which another rank waits for it in vain; empty if there is none
     */
    record Left(int rank, List<Long> sent, String lastCall, String missed) implements Message {

        public Left {
            sent = List.copyOf(sent);
        }
    }

    /** Rank to coordinator: it cannot go on. */
    record Failed(String reason) implements Message {}

    /**
     * Rank to coordinator, after it has heard that the run has lost a rank: its program makes no call of Gyre and does
     * not know yet. The rank has said so in its log, and is not about to say more.
     */
    record Unaware() implements Message {}

    /**
     * Both ways: the sender is alive.
     *
     * @param awaited from the coordinator: the first rank that an exchange still waits for, or {@link #NO_RANK}
     */
    record Heartbeat(int awaited) implements Message {}
}
