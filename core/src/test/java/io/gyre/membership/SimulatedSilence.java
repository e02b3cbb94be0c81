package io.gyre.membership;

import static io.gyre.membership.SimulatedHosts.LONGEST_DELAY;
import static io.gyre.membership.SimulatedHosts.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

/**
 * When a {@linkplain SeatedLife process} could not answer the launcher, and whether a verdict about that is right.
 */
final class SimulatedSilence {

    private long since;
    private long until;

    /** When the last silence began: it may have answered shortly since the first. */
    private long lastSince;

    /** The launcher knows that it was alive then: when the last heartbeat was sent that it has answered. */
    private long knownAlive;

    /** It is silent from now on. */
    void begin(long now, long toBeOver) {
        if (now >= until) {
            lastSince = now;
        }
        // A gap in which it may not have been heard does not count.
        if (now >= until + SECOND || until == 0) {
            since = now;
        }
        until = Math.max(until, toBeOver);
    }

    /**
     * It joins, or its answer to a heartbeat arrives.
     *
     * @param time of the join, or when the launcher has sent the heartbeat
     */
    void isKnownAlive(long time) {
        knownAlive = Math.max(knownAlive, time);
    }

    /**
     * A verdict comes in time, and only if there was silence. In time is from the beginning of the silence, whatever
     * arrives after it: only an answer to a heartbeat that was sent later ends it.
     *
     * @param who it is about
     * @param stalled until when the launcher has stood still
     */
    void checkVerdict(Object who, long now, SilenceLimits limits, long stalled) {
        long loss = limits.loss().toNanos();
        long tick = Coordinator.TICK.toNanos();
        assertThat(until > 0 && now <= until + LONGEST_DELAY + tick)
                .as("%s was not silent", who)
                .isTrue();
        assertThat(now - since)
                .as("silence of %s, in nanoseconds", who)
                .isGreaterThanOrEqualTo(loss - 2 * tick - 2 * LONGEST_DELAY);
        if (stalled < since) {
            assertThat(now - Math.max(knownAlive, lastSince))
                    .as("silence of %s, in nanoseconds", who)
                    .isLessThanOrEqualTo(loss + tick);
        }
    }
}
