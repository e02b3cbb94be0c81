package io.gyre.transport;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Those who have not come further yet: a bounded number, each for a bounded time. When it is full, the oldest makes
 * room for the newcomer, so that those who do nothing keep nobody out.
 *
 * @param <T> who waits; compared by identity or equality
 */
final class WaitingRoom<T> {

    private final int capacity;
    private final long patienceNanos;

    /** Time of entry, in that order. */
    private final Map<T, Long> waiting = new LinkedHashMap<>();

    /**
     * Opens an empty room.
     *
     * @param capacity most that wait at one time
     * @param patienceNanos how long one may wait
     */
    WaitingRoom(int capacity, long patienceNanos) {
        this.capacity = capacity;
        this.patienceNanos = patienceNanos;
    }

    /** Lets one in, or starts its time anew; returns the one that must go instead, null if there was room. */
    @Nullable T enter(T newcomer, long now) {
        waiting.remove(newcomer);
        T oldest = waiting.size() < capacity ? null : removeOldest();
        waiting.put(newcomer, now);
        return oldest;
    }

    /** Lets one out; does nothing if it is not here. */
    void leave(T one) {
        waiting.remove(one);
    }

    /** Whether this one is here. */
    boolean contains(T one) {
        return waiting.containsKey(one);
    }

    /** Removes the one that has waited longest; null if the room is empty. */
    @Nullable T removeOldest() {
        Iterator<T> oldest = waiting.keySet().iterator();
        if (!oldest.hasNext()) {
            return null;
        }
        T one = oldest.next();
        oldest.remove();
        return one;
    }

    /** Removes and returns those that have waited too long. */
    List<T> removeExpired(long now) {
        List<T> expired = new ArrayList<>();
        for (Map.Entry<T, Long> entry : waiting.entrySet()) {
            if (now - entry.getValue() <= patienceNanos) {
                break;
            }
            expired.add(entry.getKey());
        }
        expired.forEach(waiting::remove);
        return expired;
    }
}
