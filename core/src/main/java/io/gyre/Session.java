package io.gyre;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A rank's membership in a run: who takes part, the network between them, and a small control plane for what must be agreed
 * before data move.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread drives a session. {@link #close} may come from any.
 *   <dt>Failure
 *   <dd>When a rank dies, every wait of every other rank ends with {@link PeerLostException}, and so does all that is tried
 *       later. Sessions are not repaired; a run starts again from a checkpoint.
 * </dl>
 */
public interface Session extends AutoCloseable {

    /** Longest value of {@link #exchange}, in bytes. */
    int MAX_EXCHANGE_BYTES = 16 << 20;

    /** This rank, and how many there are. */
    World world();

    /** Everybody, by rank. */
    List<Member> members();

    /** Which network the ranks use, in one word for reports: {@code local}, {@code shm}, {@code ipc}, {@code udp}, {@code shm+udp}. */
    String transport();

    /** The network. */
    Endpoint endpoint();

    /** Payload bytes that this rank has sent through {@link #endpoint} so far. */
    long bytesSent();

    /**
     * Small all-gather over the control plane: returns every rank's value, by rank. For text and settings, not for tensors.
     *
     * @param topic what is exchanged; must be the same on all ranks, and is named in errors
     * @param value at most {@link #MAX_EXCHANGE_BYTES}
     */
    List<byte[]> exchange(String topic, byte[] value);

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
        StringBuilder own = new StringBuilder();
        new TreeMap<>(values)
                .forEach((name, value) -> own.append(name)
                        .append('\t')
                        .append(value.replace('\t', ' ').replace('\n', ' ').replace('\r', ' '))
                        .append('\n'));
        List<String> all = new ArrayList<>();
        for (byte[] bytes : exchange("agreement on " + subject, own.toString().getBytes(StandardCharsets.UTF_8))) {
            all.add(new String(bytes, StandardCharsets.UTF_8));
        }
        Agreement.check(subject, all, members());
    }
}
