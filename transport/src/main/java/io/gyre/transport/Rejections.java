package io.gyre.transport;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts the datagrams that were dropped instead of opened, and warns of those that no member can have sent, at most
 * once in {@link #PAUSE}. Counts may be read by any thread.
 */
final class Rejections {

    private static final Logger LOG = LoggerFactory.getLogger(Rejections.class);

    /** Between two warnings. */
    static final Duration PAUSE = Duration.ofSeconds(10);

    /** Why a datagram is dropped. */
    enum Reason {
        /** It is of a generation that has ended: its sender did not know yet, and Aeron repeats what counts. */
        EARLIER(false, "of an earlier generation"),
        /** It is of the next generation, of which this rank will hear soon; Aeron repeats it. */
        LATER(false, "of the next generation"),
        /** Of a key that has been replaced since, because it had sealed enough; Aeron repeats what counts. */
        STALE(false, "sealed with a key that has been replaced"),
        SHORT(true, "too short"),
        STRANGE(true, "of no rank or generation of this run"),
        CROWDED(true, "of too many sockets of one rank"),
        MOVED(true, "of a member, but from another address"),
        REPLAYED(true, "a repetition, or very late"),
        FORGED(true, "not sealed with the key of its sender, or damaged");

        private final boolean alarming;
        private final String words;

        Reason(boolean alarming, String words) {
            this.alarming = alarming;
            this.words = words;
        }
    }

    private final IntSupplier rank;
    private final LongSupplier clock;
    private final Map<Reason, AtomicLong> counts = new EnumMap<>(Reason.class);
    private boolean warned;
    private long warnedNanos;

    /**
     * Starts to count.
     *
     * @param rank this rank, for the log
     * @param clock nanoseconds, from any origin
     */
    Rejections(IntSupplier rank, LongSupplier clock) {
        this.rank = rank;
        this.clock = clock;
        for (Reason reason : Reason.values()) {
            counts.put(reason, new AtomicLong());
        }
    }

    /** Counts one datagram. Returns whether it warned of it. */
    boolean count(Reason reason, InetSocketAddress from) {
        counter(reason).getAndIncrement();
        if (!reason.alarming) {
            return false;
        }
        long now = clock.getAsLong();
        if (warned && now - warnedNanos < PAUSE.toNanos()) {
            return false;
        }
        warned = true;
        warnedNanos = now;
        LOG.warn(
                "rank {} has dropped a UDP datagram from {}: it is {}. {} so far; they have no effect, but somebody"
                        + " sends them",
                rank.getAsInt(),
                from,
                reason.words,
                alarming());
        return true;
    }

    private long alarming() {
        long sum = 0;
        for (Reason reason : Reason.values()) {
            sum += reason.alarming ? of(reason) : 0;
        }
        return sum;
    }

    long of(Reason reason) {
        return counter(reason).get();
    }

    private AtomicLong counter(Reason reason) {
        return Objects.requireNonNull(counts.get(reason));
    }
}
