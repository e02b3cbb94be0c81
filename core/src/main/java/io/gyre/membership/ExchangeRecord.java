package io.gyre.membership;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Records the exchanges of a run, so that a restarted worker can make the same calls as the others have made, and get
 * the same values.
 */
final class ExchangeRecord {

    private final long limitBytes;
    private final Map<List<Integer>, List<Round>> rounds = new HashMap<>();
    private long bytes;
    private boolean tooLong;

    /**
     * One exchange.
     *
     * @param values the value of each of its ranks, by rank
     */
    record Round(String topic, Map<Integer, ByteBuffer> values) {}

    /**
     * Creates an empty record.
     *
     * @param limitBytes of values; beyond it nothing more is recorded
     */
    ExchangeRecord(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    /** Records an exchange among some ranks. */
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

    /** The exchange of these ranks with a number, counted from 0; null if it has not happened yet. */
    @Nullable Round round(List<Integer> ranks, int number) {
        List<Round> known = rounds.getOrDefault(ranks, List.of());
        return number < known.size() ? known.get(number) : null;
    }

    /** Whether the limit was exceeded. */
    boolean isTooLong() {
        return tooLong;
    }

    /** Most bytes recorded. */
    long limitBytes() {
        return limitBytes;
    }
}
