package io.gyre.session;

import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.World;
import io.gyre.network.Endpoint;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * A rank's membership in a run: who takes part, the network between them, and a small control plane for what must be
 * agreed before data move.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread drives a session. {@link #close} may come from any.
 *   <dt>Failure
 *   <dd>When a rank dies, every wait of every other rank ends with {@link PeerLostException}, and so does all that is
 *       tried later. Sessions are not repaired; a run starts again from a checkpoint. Only a rank that has said so
 *       ({@link #beExpendable}) may go without ending the run, and come back as another process ({@link #incarnation}).
 * </dl>
 */
public interface Session extends AutoCloseable {

    /** How long a rank waits for a silent peer unless told otherwise. Longer than any step. */
    Duration DEFAULT_PEER_TIMEOUT = Duration.ofMinutes(2);

    /** Longest value of {@link #exchange}, in bytes. */
    int MAX_EXCHANGE_BYTES = 16 << 20;

    /** How many {@link #endpoint(int) lanes} there are. */
    int LANES = 4;

    /** This rank, and how many there are. */
    World world();

    /** Everybody, by rank. */
    List<Member> members();

    /**
     * Which network the ranks use, in one word for reports: {@code local}, {@code shm}, {@code ipc}, {@code udp},
     * {@code shm+udp}.
     */
    String transport();

    /** The network. */
    Endpoint endpoint();

    /**
     * A network of its own among the same ranks, so that another thread can talk beside the one that uses {@link
     * #endpoint}, which is lane 0. Each lane is used by one thread at a time. What a rank sends on other lanes may be
     * overtaken by the news that it has left: protocols there end by an acknowledgement.
     *
     * @param lane 0 to {@link #LANES} - 1; the same object for the same number
     */
    Endpoint endpoint(int lane);

    /**
     * Payload bytes that this rank has sent so far, or moved between its own memory and that of others on its host,
     * which for the same operation is about as much.
     */
    long bytesSent();

    /**
     * Those of {@link #bytesSent} that went over a network: to ranks of other hosts, or to all, if none share memory.
     */
    default long networkBytesSent() {
        return 0;
    }

    /**
     * Small all-gather over the control plane: returns every rank's value, by rank. For text and settings, not for
     * tensors.
     *
     * @param topic what is exchanged; must be the same on all ranks, and is named in errors
     * @param value at most {@link #MAX_EXCHANGE_BYTES}
     */
    default List<byte[]> exchange(String topic, byte[] value) {
        return exchange(everybody(world().size()), topic, value);
    }

    /**
     * As {@link #exchange(String, byte[])}, among some ranks only. A rank that is {@link #beExpendable expendable} and
     * has gone brings an empty value.
     *
     * @param ranks who takes part, ascending, this rank among them; the same on all of them
     */
    List<byte[]> exchange(List<Integer> ranks, String topic, byte[] value);

    /**
     * Lets the run go on without this rank: from now on the others are not stopped when it dies or leaves. Whoever
     * waits for it in particular still fails.
     */
    void beExpendable();

    /** Whether a rank has died or left; false for a moment longer than it takes. Any thread may ask. */
    boolean hasGone(int rank);

    /**
     * How many processes have been this rank before. Grows when an expendable rank is lost and another process takes
     * its seat: that one makes the same calls as the others have made, and its exchanges are answered as theirs were
     * until it has caught up. It talks to servers of parameters only, and not in collectives. Any thread may ask.
     */
    default int incarnation(int rank) {
        world().checkRank(rank);
        return 0;
    }

    /**
     * Some ranks as a session of their own, in which they are numbered from 0. It lives and ends with this one: closing
     * it does nothing, and what fails one fails the other.
     *
     * @param ranks ascending, this rank among them; the same on all of them
     */
    default Session group(List<Integer> ranks) {
        return new GroupSession(this, ranks);
    }

    /**
     * Fails as a wait for all ranks would fail now. For code that waits for something else, such as data, and must not
     * outlast the run. Does not block on other ranks; any thread may ask.
     *
     * @param doing what this rank is doing, in words, for the error
     * @throws PeerLostException if a rank has died, or has left though it is not {@link #beExpendable expendable}
     */
    default void check(Object doing) {
        check(everybody(world().size()), doing);
    }

    /**
     * As {@link #check(Object)}, about some ranks only: others may have left.
     *
     * @param ranks ascending
     */
    void check(List<Integer> ranks, Object doing);

    /**
     * Whether {@link #check(Object)} would pass. For code that only watches: a program that has been told by an
     * exception is expected to say so and to end.
     */
    default boolean isWhole() {
        return isWhole(everybody(world().size()));
    }

    /** As {@link #isWhole()}, about some ranks only. */
    boolean isWhole(List<Integer> ranks);

    private static List<Integer> everybody(int size) {
        return IntStream.range(0, size).boxed().toList();
    }

    /**
     * Tells all other ranks that this one cannot go on, so that they stop at once and say why.
     *
     * @param reason for people
     */
    void fail(String reason);

    /** Leaves the run in good order. Does not throw; a second call does nothing. */
    @Override
    void close();

    /**
     * Fails on every rank, naming two ranks and both values, unless all ranks have the same values.
     *
     * @param subject what is compared, such as {@code "model"}
     * @param values names and values; at most {@link #MAX_EXCHANGE_BYTES} altogether
     */
    default void agree(String subject, Map<String, String> values) {
        // A rank that has gone brings nothing; whoever is there brings a line at least.
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
        // One that has come back may be given its predecessor's.
        all.set(world().rank(), own.toString());
        Agreement.check(subject, all, members());
    }
}
