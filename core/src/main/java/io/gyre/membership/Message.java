package io.gyre.membership;

import io.gyre.Member;
import io.gyre.ProtocolException;
import io.gyre.session.Reached;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Messages between ranks and their coordinator, and between processes and the usher. */
public sealed interface Message {

    /** Version of the messages, which must be equal on all ranks of a run. */
    int PROTOCOL_VERSION = 8;

    /** Lets the coordinator choose the rank. */
    int ANY_RANK = -1;

    /** A coordinator that is no rank: the launcher. */
    int NO_RANK = -1;

    /** Length of a group key. */
    int GROUP_KEY_BYTES = 32;

    /**
     * Coordinator to each new connection: describes the run.
     *
     * @param protocolVersion the coordinator's
     * @param run name of the run
     * @param worldSize number of ranks that it waits for
     * @param complete whether all ranks have joined and no expendable one is lost, so that nobody else can join
     * @param host member that runs the coordinator; its rank is {@link #NO_RANK} for the launcher
     * @param limits of silence, for both sides; the default if the coordinator has another version
     */
    record Welcome(int protocolVersion, RunId run, int worldSize, boolean complete, Member host, SilenceLimits limits)
            implements Message {}

    /**
     * Rank to coordinator: asks to join.
     *
     * @param protocolVersion the rank's
     * @param worldSize number of ranks that it expects
     * @param member its identity; the rank may be {@link #ANY_RANK}
     * @param options settings that must be equal on all ranks, by name
     */
    record Join(int protocolVersion, int worldSize, Member member, Map<String, String> options) implements Message {

        public Join {
            options = Map.copyOf(options);
        }

        /** The options sorted by name, so that of several differences all ranks report the same one. */
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

    /** Coordinator to one rank: it cannot take part, or the run will not start. */
    record Refused(String reason) implements Message {}

    /**
     * Coordinator to each rank, before the roster: the secret of its present members, from which the transport derives
     * keys. Again whenever a rank is given up or a restarted worker is admitted.
     *
     * @param generation of the membership, from 1
     * @param secret {@value #GROUP_KEY_BYTES} random bytes between position and limit; never written or logged
     */
    record GroupKey(int generation, ByteBuffer secret) implements Message {

        public GroupKey {
            if (secret.remaining() != GROUP_KEY_BYTES) {
                throw new ProtocolException("a group key of " + secret.remaining() + " bytes, not " + GROUP_KEY_BYTES);
            }
        }

        @Override
        public String toString() {
            return "GroupKey[generation=" + generation + "]";
        }
    }

    /**
     * Coordinator to each rank: all are ready. To a restarted worker: it is admitted, after messages about the ranks
     * that are expendable, lost or left.
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
     * Rank to coordinator: its value in an exchange.
     *
     * @param ranks the ranks that take part, ascending
     * @param value the bytes between position and limit
     */
    record Offer(List<Integer> ranks, String topic, ByteBuffer value) implements Message {

        public Offer {
            ranks = List.copyOf(ranks);
        }
    }

    /**
     * Coordinator to each rank of an exchange: the value of rank {@code rank}. Sent once per rank, in their order;
     * empty for an expendable rank that has left or is lost.
     */
    record Value(int rank, ByteBuffer value) implements Message {}

    /**
     * Rank to coordinator: a value that must be that of every other of these ranks with the same topic, between the
     * same two exchanges of theirs. Not answered.
     *
     * @param ranks those that are compared, ascending
     * @param remedy what people can do about a difference
     */
    record Attest(List<Integer> ranks, String topic, String value, String remedy) implements Message {

        public Attest {
            ranks = List.copyOf(ranks);
        }
    }

    /** Coordinator to each rank: the ranks do not agree on what they exchange, or on a value that they attest. */
    record Disagreed(String reason) implements Message {}

    /** Coordinator to each rank: {@code member} is lost. */
    record Lost(Member member, String reason) implements Message {}

    /** Rank to coordinator, and from there to all: the run may continue without {@code rank}. */
    record Expendable(int rank) implements Message {}

    /**
     * Rank to coordinator: the run may continue without it as long as these processes take part, which hold all that it
     * holds. Replaces what it has said before. The others hear that it is {@link Expendable}.
     *
     * @param ranks of these processes
     * @param incarnations of these processes, in the same order
     */
    record Backed(List<Integer> ranks, List<Integer> incarnations) implements Message {

        public Backed {
            ranks = List.copyOf(ranks);
            incarnations = List.copyOf(incarnations);
            if (ranks.size() != incarnations.size()) {
                throw new ProtocolException("a rank that is backed by " + ranks.size() + " ranks of "
                        + incarnations.size() + " incarnations");
            }
        }
    }

    /** Coordinator to each rank: {@code member}, which is expendable, is lost. */
    record LostExpendable(Member member, String reason) implements Message {}

    /** Coordinator to each other rank: a new process has taken the seat of an expendable rank that was lost. */
    record Returned(Seat seat) implements Message {}

    /**
     * Rank to coordinator: it leaves in good order. It may continue to listen, and then close the connection.
     *
     * @param sent number of frames that it has sent to each rank, which may still be in flight
     * @param lastCall the topic of its last exchange; empty if it had none
     */
    record Leave(List<Long> sent, String lastCall) implements Message {

        public Leave {
            sent = List.copyOf(sent);
        }
    }

    /**
     * Coordinator to each rank, including the one itself: {@code rank} has left in good order.
     *
     * @param sent number of frames that it has sent to each
     * @param lastCall the topic of its last exchange
     * @param missed an exchange in which another rank waits in vain for it; empty if there is none
     */
    record Left(int rank, List<Long> sent, String lastCall, String missed) implements Message {

        public Left {
            sent = List.copyOf(sent);
        }
    }

    /** Rank to coordinator: it cannot continue. */
    record Failed(String reason) implements Message {}

    /**
     * Rank to coordinator, after it has heard that the run has lost a rank: its program makes no call of Gyre and does
     * not know yet. The rank has logged that, and will not report more.
     */
    record Unaware() implements Message {}

    /**
     * Process to usher: it holds no seat at work, and can take seats in the next generation.
     *
     * @param generation that it has ended; 0 for none
     * @param reached how far it has come
     */
    record Present(int generation, Reached reached) implements Message {}

    /**
     * Usher to each present process: a generation begins.
     *
     * @param generation from 1
     * @param rendezvous of the ranks in this generation, {@code host:port}; empty for a process without a seat
     * @param own number of the receiving process
     * @param holders number of the process that holds each seat, by seat
     * @param source the seat whose process has the newest state; {@link #NO_RANK} if no process has one
     */
    record Convened(int generation, String rendezvous, int own, List<Integer> holders, int source) implements Message {

        public Convened {
            holders = List.copyOf(holders);
        }
    }

    /** Usher to each process with a seat: a process waits for seats; the generation is to end between two steps. */
    record Adjourn(int generation) implements Message {}

    /**
     * Reception to a newcomer that has asked with {@link Join}: it may take part.
     *
     * @param variables of its environment
     * @param token of the run: {@value #GROUP_KEY_BYTES} bytes between position and limit; never written or logged
     */
    record Admitted(Map<String, String> variables, ByteBuffer token) implements Message {

        public Admitted {
            variables = Map.copyOf(variables);
            if (token.remaining() != GROUP_KEY_BYTES) {
                throw new ProtocolException("a token of " + token.remaining() + " bytes, not " + GROUP_KEY_BYTES);
            }
        }

        @Override
        public String toString() {
            return "Admitted[variables=" + variables + "]";
        }
    }

    /** Coordinator to a rank whose value it has: the first rank that the exchange still waits for. */
    record Awaited(int rank) implements Message {}

    /**
     * Supervisor to each process: the supervisor is alive. Process to supervisor, at once: the same message, and so the
     * process was alive after it was sent.
     *
     * @param sent when the supervisor has sent it, or not long before, in nanoseconds of its own clock
     */
    record Heartbeat(long sent) implements Message {}
}
