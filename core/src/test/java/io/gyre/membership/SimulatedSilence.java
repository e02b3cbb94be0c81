package io.gyre.membership;

import static io.gyre.membership.SimulatedHosts.LONGEST_DELAY;
import static io.gyre.membership.SimulatedHosts.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

/** When a {@linkplain SeatedLife process} was silent towards the launcher, and whether a verdict about that is right. */
final class SimulatedSilence {

    private long since;
    private long until;

    /** When the last silence began: there may have been a short word since the first. */
    private long lastSince;

    /** When something of it arrived, which may have been under way for long. */
    private long lastHeard;

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

    /** The launcher receives something from it. */
    void isHeard(long now) {
        lastHeard = now;
    }

    /**
     * A verdict comes in time, and only if there was silence.
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
                .isGreaterThanOrEqualTo(loss - 2 * tick - Coordinator.HEARTBEAT.toNanos() - LONGEST_DELAY);
        if (stalled < since) {
            assertThat(now - Math.max(lastHeard, lastSince))
                    .as("silence of %s, in nanoseconds", who)
                    .isLessThanOrEqualTo(loss + tick + LONGEST_DELAY);
        }
    }
}
