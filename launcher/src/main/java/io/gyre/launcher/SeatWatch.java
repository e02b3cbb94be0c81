package io.gyre.launcher;

import io.gyre.membership.SeatListener;
import io.gyre.membership.Seating;
import io.gyre.session.Reached;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Says what happens in a run with seats. Written on the usher's thread, read by the launcher's. */
final class SeatWatch implements SeatListener {

    private final RankGroup group;
    private final Terminal terminal;
    private final Consumer<SeatEvent> events;

    /** Before each message; empty if the run has no groups. */
    private final String ofGroup;

    private volatile @Nullable String missing;
    private volatile int generation;
    private volatile long step;

    /** When the first process was lost since the present generation began; 0 if none was. */
    private long lossNanos;

    /**
     * Creates a listener.
     *
     * @param group knows whether the launcher itself caused a loss
     * @param events gets all that happens; must not block or throw
     */
    SeatWatch(RankGroup group, Terminal terminal, Consumer<SeatEvent> events) {
        this(group, terminal, events, "");
    }

    private SeatWatch(RankGroup group, Terminal terminal, Consumer<SeatEvent> events, String ofGroup) {
        this.group = group;
        this.terminal = terminal;
        this.events = events;
        this.ofGroup = ofGroup;
    }

    /** As the constructor, for one of several groups, which its messages name. */
    static SeatWatch ofGroup(int number, RankGroup group, Terminal terminal, Consumer<SeatEvent> events) {
        return new SeatWatch(group, terminal, events, "group " + number + ": ");
    }

    private void tell(String kind, String text) {
        events.accept(new SeatEvent(kind, generation, step, ofGroup + text));
    }

    private void say(String kind, String text) {
        terminal.say(ofGroup + text);
        tell(kind, text);
    }

    /** Processes from elsewhere can join by a command. */
    void open(String joining) {
        say("open", "another process joins this run by: " + joining);
    }

    /** A process from elsewhere has asked. Called on another thread. */
    void asked(String answer) {
        say("asked", answer);
    }

    @Override
    public void joined(String process, long pid) {
        tell("joined", process + " has joined");
    }

    @Override
    public void suspected(String process, Duration silence) {
        say("silent", process + " has been silent for " + silence.toMillis() + " ms");
    }

    @Override
    public void lost(String process, long pid, List<Integer> seats, int inGeneration, Reached newest, String reason) {
        if (!seats.isEmpty() && lossNanos == 0) {
            lossNanos = System.nanoTime();
        }
        if (!group.wasStopped()) {
            String held =
                    seats.isEmpty() ? "" : seats.size() == 1 ? " with seat " + seats.get(0) : " with seats " + seats;
            say("lost", process + " was lost" + held + ", in generation " + inGeneration + ": " + reason);
        }
    }

    @Override
    public void convened(int number, Seating seating, Reached newest, long behind) {
        long loss = lossNanos;
        lossNanos = 0;
        generation = number;
        step = Math.max(0, newest.step());
        if (number == 1) {
            tell("generation", "generation 1 begins; " + seating);
            return;
        }
        String after = loss == 0 ? "" : ", " + (System.nanoTime() - loss) / 1_000_000 + " ms after the loss";
        String transfer = behind == 0 ? "" : "; some are " + behind + " steps behind and get the state";
        say("generation", "generation " + number + " continues after step " + step + after + transfer + "; " + seating);
    }

    @Override
    public void left(String process, long pid) {
        tell("left", process + " has left");
    }

    @Override
    public void refused(String reason) {
        say("refused", reason);
    }

    @Override
    public void failed(String reason) {
        missing = ofGroup + reason;
        if (!ofGroup.isEmpty()) {
            terminal.say(ofGroup + "it cannot go on: " + reason);
        }
    }

    /** Why the run could not continue, if it could not. */
    Optional<String> missing() {
        return Optional.ofNullable(missing);
    }
}
