package io.gyre.membership;

import io.gyre.OptionRange;
import java.time.Duration;

/**
 * How long a process may be silent, though its connection is open: a frozen process, a lost host, a cut link. A process
 * that ends is noticed at once.
 *
 * <p>A supervisor measures the silence of a process from the newest {@linkplain Message.Heartbeat heartbeat} that the
 * process has answered: from when that was sent, and not from when the answer came. So the direction in which a link is
 * cut does not matter, nor what is still under way on it. A process measures the silence of its supervisor from the
 * last message that it has received.
 *
 * @param suspicion silence that is reported
 * @param loss silence after which the process is lost
 */
public record SilenceLimits(Duration suspicion, Duration loss) {

    /** Ten heartbeats and more, longer than any pause of a healthy garbage collector. */
    public static final SilenceLimits DEFAULT = new SilenceLimits(Duration.ofSeconds(5), Duration.ofSeconds(15));

    /** A shorter time would take a busy process for a lost one. */
    public static final Duration LEAST_VERDICT = Duration.ofSeconds(1);

    public SilenceLimits {
        OptionRange.positive("suspicion", suspicion);
        OptionRange.positive("loss", loss);
    }

    /**
     * The limits with which a process is declared lost within a given time. Pauses that are shorter by {@link
     * Coordinator#HEARTBEAT} and three {@linkplain Coordinator#TICK ticks} are survived: of 2 s, if the time is 3 s.
     *
     * @param verdict from the moment in which a process falls silent, at least {@link #LEAST_VERDICT}
     */
    public static SilenceLimits within(Duration verdict) {
        if (verdict.compareTo(LEAST_VERDICT) < 0) {
            throw new IllegalArgumentException("a silence of " + verdict.toMillis()
                    + " ms makes a process lost: at least " + LEAST_VERDICT.toMillis() + " ms are needed");
        }
        // Silence is measured at ticks: one may pass before the limit is noticed.
        Duration loss = verdict.minus(Coordinator.TICK);
        return new SilenceLimits(loss.dividedBy(2), loss);
    }

    /** Why a process is lost: {@code it has not answered for 15 s}, or {@code 2750 ms}. */
    String ofProcess() {
        return "it has not answered for " + lossInWords();
    }

    /** Why a supervisor is lost: {@code nothing was received from it for 15 s}, or {@code 2750 ms}. */
    String ofSupervisor() {
        return "nothing was received from it for " + lossInWords();
    }

    private String lossInWords() {
        return loss.toMillisPart() == 0 ? loss.toSeconds() + " s" : loss.toMillis() + " ms";
    }
}
