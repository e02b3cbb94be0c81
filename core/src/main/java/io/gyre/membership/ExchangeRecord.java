package io.gyre.membership;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the ranks of a run have told each other in exchanges, so that whoever takes a lost rank's seat can make the same
 * calls as the others have made, and get the answers that they had.
 */
final class ExchangeRecord {

    private final long limitBytes;
    private final Map<List<Integer>, List<Round>> rounds = new HashMap<>();
    private long bytes;
    private boolean tooLong;

    /**
     * One exchange.
     *
     * @param values what each of its ranks brought, by rank
     */
    record Round(String topic, Map<Integer, ByteBuffer> values) {}

    /**
     * An empty record.
     *
     * @param limitBytes of values; with more than that nothing is kept any more
     */
    ExchangeRecord(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    /** Notes an exchange among some ranks. */
    void add(List<Integer> ranks, String topic, Map<Integer, ByteBuffer> values) {
        bytes += topic.length();
        for (ByteBuffer value : values.values()) {
            bytes += value.remaining();
        }
        if (bytes > limitBytes) {
            tooLong = true;
            rounds.clear();
        }
        if (!tooLong) {
            rounds.computeIfAbsent(ranks, key -> new ArrayList<>()).add(new Round(topic, new TreeMap<>(values)));
        }
    }

    /** The exchange of these ranks with a number, counted from 0; null if there has been none yet. */
    @Nullable Round round(List<Integer> ranks, int number) {
        List<Round> known = rounds.getOrDefault(ranks, List.of());
        return number < known.size() ? known.get(number) : null;
    }

    /** Whether there was more than is kept. */
    boolean isTooLong() {
        return tooLong;
    }

    /** Most bytes that are kept. */
    long limitBytes() {
        return limitBytes;
    }
}
