package io.gyre.session;

import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.World;
import io.gyre.network.Endpoint;
import io.gyre.network.WaitObservers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * A rank's membership in a run: its members, the network between them, and a small control plane for what they must
 * agree on before they move data.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread drives a session. {@link #close} may be called from any thread.
 *   <dt>Failure
 *   <dd>When a rank is lost, every wait of every other rank ends with {@link PeerLostException}, and every later call
 *       fails with it. Sessions are not repaired; a run is started again from a checkpoint. Only a rank that has
 *       declared it ({@link #beExpendable}) may end without ending the run, and be restarted as another process
 *       ({@link #incarnation}).
 * </dl>
 */
public interface Session extends AutoCloseable {

    /** Default time that a rank waits for a silent peer. Longer than any step. */
    Duration DEFAULT_PEER_TIMEOUT = Duration.ofMinutes(2);

    /** Longest value of {@link #exchange}, in bytes. */
    int MAX_EXCHANGE_BYTES = 16 << 20;

    /** Longest text that a rank sends to others: a topic, or what it attests. A longer reason of a failure is cut. */
    int MAX_TEXT_CHARS = 8 << 10;

    /** Number of {@link #endpoint(int) lanes}. */
    int LANES = 4;

    /** This rank, and the number of ranks. */
    World world();

    /** All members, by rank. */
    List<Member> members();

    /**
     * The sessions of all ranks that this process holds on one thread, ascending by rank: its seats. The first is the
     * lead, whose rank this session has. Only a {@link SeatedSession} has several.
     */
    default List<Session> seats() {
        return List.of(this);
    }

    /** Whether a process of the run may hold several ranks: {@link SeatedSession} is used by all of them then. */
    default boolean hasSeats() {
        return false;
    }

    /** Which ranks each process holds; the same on all ranks. */
    default Groups seating() {
        return Groups.ofOneRank(world().size());
    }

    /** The leads, as a session of one rank for each process; this session if every process holds one rank. */
    default Session ofLeads() {
        Groups seating = seating();
        return seating.count() == world().size() ? this : group(seating.leads());
    }

    /**
     * Does work for each seat, at the same time: work for one may wait for another. That of the lead is done on the
     * calling thread. Returns when all is done; if any fails, throws the first failure.
     *
     * @param work called with the index of each seat in {@link #seats}
     */
    default void onSeats(IntConsumer work) {
        work.accept(0);
    }

    /**
     * The network in use, in one word for reports: {@code local}, {@code shm}, {@code ipc}, {@code udp},
     * {@code shm+udp}.
     */
    String transport();

    /** How this rank reaches another, in words for reports, such as {@code sealed UDP}. */
    default String linkTo(int rank) {
        world().checkRank(rank);
        return transport();
    }

    /** The network, lane 0. */
    Endpoint endpoint();

    /**
     * A separate network among the same ranks, so that another thread can communicate next to the one that uses
     * {@link #endpoint}, which is lane 0. Each lane is used by one thread at a time. Frames on other lanes may be
     * overtaken by the news that their sender has left, so protocols there must end with an acknowledgement.
     *
     * @param lane 0 to {@link #LANES} - 1; the same object for the same number
     */
    Endpoint endpoint(int lane);

    /**
     * Payload bytes that this rank has sent so far, or has moved between its own memory and that of others on its host,
     * which is about as much for the same operation.
     */
    long bytesSent();

    /**
     * The part of {@link #bytesSent} that went over a network: to ranks on other hosts, or to all, if none share
     * memory.
     */
    default long networkBytesSent() {
        return 0;
    }

    /**
     * Who observes the waits of this rank's threads for other ranks: the same object for a session and its groups. A
     * session that does not tell has nobody to tell.
     */
    default WaitObservers waitObservers() {
        return new WaitObservers();
    }

    /**
     * Small all-gather over the control plane: returns the values of all ranks, by rank. For text and settings, not for
     * tensors.
     *
     * @param topic what is exchanged; must be the same on all ranks, and is named in errors; at most
     *     {@link #MAX_TEXT_CHARS} characters
     * @param value at most {@link #MAX_EXCHANGE_BYTES}
     */
    default List<byte[]> exchange(String topic, byte[] value) {
        return exchange(everybody(world().size()), topic, value);
    }

    /**
     * As {@link #exchange(String, byte[])}, with another value for each rank that this process holds.
     *
     * @param ofSeats the values, in the order of {@link #seats}
     */
    default List<byte[]> exchange(String topic, List<byte[]> ofSeats) {
        return exchange(topic, ofSeats.get(0));
    }

    /**
     * As {@link #exchange(String, byte[])}, among some ranks only. The value of an {@link #beExpendable expendable}
     * rank that has left or is lost is empty.
     *
     * @param ranks the ranks that take part, ascending, including this one; the same on all of them
     */
    List<byte[]> exchange(List<Integer> ranks, String topic, byte[] value);

    /**
     * States a value that must be equal on all ranks that attest the same topic, at whatever time they do: ranks that
     * are not in lockstep cannot {@link #agree}. The first value of a topic counts. When a rank attests another one,
     * every wait and every later call of all ranks fails with {@link io.gyre.DisagreementException}, which names both
     * ranks and both values. Does not wait: the failure may follow shortly after this call, but comes before the next
     * {@link #exchange} of this rank ends. Values are compared that ranks attest between the same two exchanges of all
     * ranks of this session; of these, the latest 16,384 topics.
     *
     * <p>Each text has at most {@link #MAX_TEXT_CHARS} characters.
     *
     * @param topic what the value is of, in words, such as the data of a step
     * @param value in words, for the error
     * @param remedy what people can do about a difference, for the error
     */
    default void attest(String topic, String value, String remedy) {
        attest(everybody(world().size()), topic, value, remedy);
    }

    /**
     * As {@link #attest(String, String, String)}, among some ranks only.
     *
     * @param ranks the ranks that are compared, ascending, including this one; the same on all of them
     */
    void attest(List<Integer> ranks, String topic, String value, String remedy);

    /**
     * Lets the run continue without this rank: from now on, its loss or leave does not stop the others. An operation
     * that waits for this rank in particular still fails.
     */
    void beExpendable();

    /**
     * As {@link #beExpendable()}, but only as long as others hold what this rank holds: the loss of this rank ends the
     * run if one of them does not take part any more, or was restarted. Replaces what was said before. Does not wait:
     * it counts from the moment at which the coordinator hears of it. May be called from any thread.
     *
     * @param backedBy the {@link #incarnation} of each of these processes, by rank
     */
    default void beExpendable(SortedMap<Integer, Integer> backedBy) {
        throw new UnsupportedOperationException("no copies in a session of " + transport());
    }

    /**
     * Whether a rank is lost or has left; may still be false for a moment after that. May be called from any thread.
     */
    boolean hasEnded(int rank);

    /**
     * Number of earlier processes of a rank. It grows when an expendable rank is lost and another process takes its
     * seat. A restarted worker makes the same calls as the others have made, and its exchanges return the recorded
     * values until it has caught up. It communicates with parameter servers only, and not in collectives. May be called
     * from any thread.
     */
    default int incarnation(int rank) {
        world().checkRank(rank);
        return 0;
    }

    /**
     * Some ranks as a session of their own, in which they are numbered from 0. It shares the lifetime of this session:
     * closing it does nothing, and what fails one fails the other.
     *
     * @param ranks ascending, including this rank; the same on all of them
     */
    default Session group(List<Integer> ranks) {
        return new GroupSession(this, ranks);
    }

    /**
     * Fails as a wait for all ranks would fail now. For code that waits for something else, such as data, and must end
     * with the run. Does not block on other ranks; may be called from any thread.
     *
     * @param doing what this rank is doing, in words, for the error
     * @throws PeerLostException if a rank is lost, or has left without being {@link #beExpendable expendable}
     */
    default void check(Object doing) {
        check(everybody(world().size()), doing);
    }

    /**
     * As {@link #check(Object)}, for some ranks only: others may have left.
     *
     * @param ranks ascending
     */
    void check(List<Integer> ranks, Object doing);

    /**
     * Whether {@link #check(Object)} would pass. For code that only monitors: a program that gets the exception is
     * expected to report it and to end.
     */
    default boolean isWhole() {
        return isWhole(everybody(world().size()));
    }

    /** As {@link #isWhole()}, for some ranks only. */
    boolean isWhole(List<Integer> ranks);

    private static List<Integer> everybody(int size) {
        return IntStream.range(0, size).boxed().toList();
    }

    /**
     * Tells all other ranks that this one cannot continue, so that they stop at once and report why.
     *
     * @param reason for people; the first {@link #MAX_TEXT_CHARS} characters are sent
     */
    void fail(String reason);

    /** Leaves the run in good order. Does not throw; a second call does nothing. */
    @Override
    void close();

    /**
     * Fails on every rank, naming two ranks and both values, unless all ranks have the same values.
     *
     * @param subject what is compared, such as {@code "model"}
     * @param values names and values; at most {@link #MAX_EXCHANGE_BYTES} in total
     */
    default void agree(String subject, Map<String, String> values) {
        // The value of a rank that has left or is lost is empty; that of any other has at least one line.
        StringBuilder own = new StringBuilder("\n");
        new TreeMap<>(values)
                .forEach((name, value) -> own.append(name)
                        .append('\t')
                        .append(value.replace('\t', ' ').replace('\n', ' ').replace('\r', ' '))
                        .append('\n'));
        List<String> all = new ArrayList<>();
        for (byte[] bytes : exchange("agreement on " + subject, own.toString().getBytes(StandardCharsets.UTF_8))) {
            all.add(new String(bytes, StandardCharsets.UTF_8));
        }
        // A restarted worker may be given its predecessor's value.
        all.set(world().rank(), own.toString());
        Agreement.check(subject, all, members());
    }
}
