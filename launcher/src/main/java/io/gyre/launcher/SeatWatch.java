package io.gyre.launcher;

import io.gyre.membership.RunProcess;
import io.gyre.membership.SeatListener;
import io.gyre.membership.Seating;
import io.gyre.session.Reached;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Says what happens in a run with seats. Written on the usher's thread, read by the launcher's. */
final class SeatWatch implements SeatListener {

    private final RankGroup group;
    private final Terminal terminal;
    private final Consumer<SeatEvent> events;

    /** Which group's these are; empty in a run without groups. */
    private final OptionalInt number;

    /** Before each message. */
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
        this(group, terminal, events, OptionalInt.empty());
    }

    private SeatWatch(RankGroup group, Terminal terminal, Consumer<SeatEvent> events, OptionalInt number) {
        this.group = group;
        this.terminal = terminal;
        this.events = events;
        this.number = number;
        ofGroup = number.isPresent() ? "group " + number.getAsInt() + ": " : "";
    }

    /** As the constructor, for one of several groups, which its messages name. */
    static SeatWatch ofGroup(int number, RankGroup group, Terminal terminal, Consumer<SeatEvent> events) {
        return new SeatWatch(group, terminal, events, OptionalInt.of(number));
    }

    private void tell(String kind, Optional<RunProcess> process, List<Integer> holders, String text) {
        events.accept(new SeatEvent(kind, number, generation, step, process, holders, ofGroup + text));
    }

    private void say(String kind, Optional<RunProcess> process, List<Integer> holders, String text) {
        // In this order: whoever has read the message finds it in the file.
        tell(kind, process, holders, text);
        terminal.say(ofGroup + text);
    }

    private void say(String kind, String text) {
        say(kind, Optional.empty(), List.of(), text);
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
    public void joined(RunProcess process) {
        tell("joined", Optional.of(process), List.of(), process + " has joined");
    }

    @Override
    public void suspected(RunProcess process, Duration silence) {
        say("silent", Optional.of(process), List.of(), process + " has been silent for " + silence.toMillis() + " ms");
    }

    @Override
    public void lost(RunProcess process, List<Integer> seats, int inGeneration, Reached newest, String reason) {
        if (!seats.isEmpty() && lossNanos == 0) {
            lossNanos = System.nanoTime();
        }
        if (!group.wasStopped()) {
            String held =
                    seats.isEmpty() ? "" : seats.size() == 1 ? " with seat " + seats.get(0) : " with seats " + seats;
            String text = process + " was lost" + held + ", in generation " + inGeneration + ": " + reason;
            say("lost", Optional.of(process), List.of(), text);
        }
    }

    @Override
    public void convened(int begun, Seating seating, Reached newest, long behind) {
        long loss = lossNanos;
        lossNanos = 0;
        generation = begun;
        step = Math.max(0, newest.step());
        if (begun == 1) {
            tell("generation", Optional.empty(), seating.holders(), "generation 1 begins; " + seating);
            return;
        }
        String after = loss == 0 ? "" : ", " + (System.nanoTime() - loss) / 1_000_000 + " ms after the loss";
        String transfer = behind == 0 ? "" : "; some are " + behind + " steps behind and get the state";
        String text = "generation " + begun + " continues after step " + step + after + transfer + "; " + seating;
        say("generation", Optional.empty(), seating.holders(), text);
    }

    @Override
    public void left(RunProcess process) {
        tell("left", Optional.of(process), List.of(), process + " has left");
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
