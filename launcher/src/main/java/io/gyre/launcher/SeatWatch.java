package io.gyre.launcher;

import io.gyre.membership.SeatListener;
import io.gyre.membership.Seating;
import io.gyre.session.Reached;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Says what happens in a run with seats. Written on the usher's thread, read by the launcher's. */
final class SeatWatch implements SeatListener {

    private final RankGroup group;
    private final Terminal terminal;
    private volatile @Nullable String missing;

    /** When the first process was lost since the present generation began; 0 if none was. */
    private long lossNanos;

    /**
     * Creates a listener.
     *
     * @param group knows whether the launcher itself caused a loss
     */
    SeatWatch(RankGroup group, Terminal terminal) {
        this.group = group;
        this.terminal = terminal;
    }

    @Override
    public void suspected(String process, Duration silence) {
        terminal.say(process + " has been silent for " + silence.toMillis() + " ms");
    }

    @Override
    public void lost(String process, long pid, List<Integer> seats, int generation, Reached newest, String reason) {
        if (!seats.isEmpty() && lossNanos == 0) {
            lossNanos = System.nanoTime();
        }
        if (!group.wasStopped()) {
            String held =
                    seats.isEmpty() ? "" : seats.size() == 1 ? " with seat " + seats.get(0) : " with seats " + seats;
            terminal.say(process + " was lost" + held + ", in generation " + generation + ": " + reason);
        }
    }

    @Override
    public void convened(int generation, Seating seating, Reached newest, long behind) {
        long loss = lossNanos;
        lossNanos = 0;
        if (generation == 1) {
            return;
        }
        String after = loss == 0 ? "" : ", " + (System.nanoTime() - loss) / 1_000_000 + " ms after the loss";
        String transfer = behind == 0 ? "" : "; some are " + behind + " steps behind and get the state";
        terminal.say("generation " + generation + " continues after step " + Math.max(0, newest.step()) + after
                + transfer + "; " + seating);
    }

    @Override
    public void refused(String reason) {
        terminal.say(reason);
    }

    @Override
    public void failed(String reason) {
        missing = reason;
    }

    /** Why the run could not continue, if it could not. */
    Optional<String> missing() {
        return Optional.ofNullable(missing);
    }
}
