package io.gyre.membership;

import io.gyre.Member;
import io.gyre.membership.Message.Adjourn;
import io.gyre.membership.Message.Convened;
import io.gyre.membership.Message.Failed;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Leave;
import io.gyre.membership.Message.Lost;
import io.gyre.membership.Message.Present;
import io.gyre.membership.Message.Refused;
import io.gyre.membership.Message.Welcome;
import io.gyre.session.Reached;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Seats the processes of a run, generation by generation. In a generation the seats take part in a run of the usual
 * kind, which has a {@link Coordinator} of its own, and which the first loss ends. Then the processes that are left
 * report what state they hold, the seats of the lost one are given to others, and the next generation begins from the
 * newest state. A process that comes later gets seats between two steps: the usher {@linkplain Adjourn adjourns} the
 * generation for it.
 *
 * <p>There is one usher, and it alone convenes generations: of the processes that lose sight of each other, those that
 * reach it go on. A process that was given up finds its generation ended, and joins as a new process.
 *
 * <p>A state machine, as {@link Coordinator} is: it owns no clock, thread or socket.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread. Outbox, venue and listener are called from inside the event methods.
 *   <dt>Time
 *   <dd>As for {@link Coordinator}.
 * </dl>
 */
public final class Usher implements Supervisor {

    /** What a spare is told when the run has done its work without it. */
    static final String NOT_NEEDED = "the run has done its work without this process";

    private final RunId run;
    private final UsherPlan plan;
    private final Member host;
    private final Outbox outbox;
    private final Venue venue;
    private final SeatListener listener;
    private final UnstalledClock clock;
    private final TreeMap<Integer, Attendee> byConnection = new TreeMap<>();
    private final List<String> refusals = new ArrayList<>();
    private int arrivals;
    private int generation;
    private long nextHeartbeat;

    private Phase phase = Phase.SHORT;

    /** When processes that have not reported are given up, or, with too few, the run. */
    private long deadline;

    /** Who holds the seats, or held them in the generation that has ended; null before the first. */
    private @Nullable Seating seating;

    /** Whether the present generation has been asked to end, for a process that waits. */
    private boolean adjourned;

    /** The newest state when the present generation began. */
    private Reached newest = Reached.NOTHING;

    private int fruitless;

    /** One of the present generation, whose options hold for those that come when nobody is left; null before it. */
    private @Nullable Attendee former;

    /** Whether a process has ended in good order: the work is done, and nobody else is let in. */
    private boolean ending;

    private @Nullable String end;

    private enum Phase {
        /** Too few processes are there. */
        SHORT,

        /** The seats take steps. */
        RUNNING,

        /** A generation ends: not all of its processes have reported yet. */
        REPORTING
    }

    /** Where the ranks of a generation meet. */
    public interface Venue {

        /**
         * Opens a rendezvous for the ranks of a generation, and closes that of the one before.
         *
         * @return its address, {@code host:port}
         * @throws UncheckedIOException if it cannot be opened: the run then ends
         */
        String open(int generation, int ranks);

        /** Ends the present generation, since a process with a seat is lost. */
        void giveUp(Member lost, String reason);
    }

    /**
     * Starts to wait for processes.
     *
     * @param run name of the run
     * @param host member that runs this usher
     * @param now current time
     */
    public Usher(RunId run, UsherPlan plan, Member host, Outbox outbox, Venue venue, SeatListener listener, long now) {
        this.run = run;
        this.plan = plan;
        this.host = host;
        this.outbox = outbox;
        this.venue = venue;
        this.listener = listener;
        clock = new UnstalledClock(now, Coordinator.TICK.multipliedBy(2));
        deadline = plan.joinTimeout().toNanos();
    }

    @Override
    public List<Member> members() {
        return byConnection.values().stream().map(each -> each.join.member()).toList();
    }

    @Override
    public boolean isOver() {
        return end != null || (ending && byConnection.isEmpty());
    }

    @Override
    public boolean hasJoined(int connection) {
        return byConnection.containsKey(connection);
    }

    @Override
    public void connected(int connection) {
        boolean closed = end != null || ending;
        outbox.send(connection, new Welcome(Message.PROTOCOL_VERSION, run, plan.seats(), closed, host, plan.limits()));
    }

    @Override
    public void received(int connection, Message message) {
        Attendee attendee = byConnection.get(connection);
        if (attendee != null) {
            attendee.pulse.beat(clock.time());
            received(attendee, message);
        } else if (message instanceof Join join) {
            join(connection, join);
        } else {
            outbox.close(connection);
        }
    }

    private void received(Attendee attendee, Message message) {
        if (message instanceof Present present) {
            present(attendee, present);
        } else if (message instanceof Leave) {
            leave(attendee);
        } else if (message instanceof Failed failed) {
            lose(attendee, failed.reason());
        } else if (!(message instanceof Heartbeat)) {
            lose(
                    attendee,
                    "it sent a " + message.getClass().getSimpleName() + " message, which is not a process's to send");
        }
    }

    @Override
    public void disconnected(int connection, String how) {
        Attendee attendee = byConnection.get(connection);
        if (attendee != null) {
            lose(attendee, how);
        }
    }

    @Override
    public void refuseLatecomers(List<Integer> connections) {
        Refused refusal = new Refused(Admission.afterTheEnd(end == null ? "the run is over" : end));
        connections.stream()
                .filter(connection -> !byConnection.containsKey(connection))
                .forEach(connection -> outbox.send(connection, refusal));
    }

    @Override
    public void tick(long now) {
        long time = clock.advance(now);
        if (end != null) {
            return;
        }
        if (time >= nextHeartbeat) {
            nextHeartbeat = time + Coordinator.HEARTBEAT.toNanos();
            Heartbeat heartbeat = new Heartbeat(Message.NO_RANK);
            byConnection.keySet().forEach(connection -> outbox.send(connection, heartbeat));
        }
        // A copy, since a loss changes the map.
        for (Attendee attendee : List.copyOf(byConnection.values())) {
            listenTo(attendee, time);
        }
        if (end == null && phase != Phase.RUNNING && time >= deadline) {
            expire();
        }
    }

    private void listenTo(Attendee attendee, long time) {
        if (end != null || !hasJoined(attendee.connection)) {
            return;
        }
        if (attendee.pulse.isLost(time, plan.limits())) {
            lose(
                    attendee,
                    "nothing was received from it for " + plan.limits().lossInWords()
                            + ", though its connection is open");
        } else if (attendee.pulse.becomesSuspicious(time, plan.limits())) {
            listener.suspected(attendee.toString(), Duration.ofNanos(attendee.pulse.silence(time)));
        }
    }

    private void join(int connection, Join join) {
        String objection = objection(join);
        if (objection != null) {
            refusals.add(objection);
            listener.refused(objection);
            outbox.send(connection, new Refused(objection));
            outbox.close(connection);
            return;
        }
        Attendee attendee = new Attendee(connection, arrivals++, join, clock.time());
        byConnection.put(connection, attendee);
        listener.joined(attendee.toString(), attendee.pid());
    }

    private @Nullable String objection(Join join) {
        String who = "the process with pid " + join.member().pid() + " on host "
                + join.member().host();
        if (join.protocolVersion() != Message.PROTOCOL_VERSION) {
            return who + " uses version " + join.protocolVersion()
                    + " of the control protocol, the rendezvous on host " + host.host() + " version "
                    + Message.PROTOCOL_VERSION + ": use the same Gyre on all hosts";
        }
        if (end != null || ending) {
            return who + " is too late: " + (end == null ? "the run has done its work" : end) + ". Start a new run";
        }
        if (join.worldSize() != plan.seats()) {
            return who + " expects " + join.worldSize() + " seats, and this run has " + plan.seats();
        }
        Attendee first =
                byConnection.isEmpty() ? former : byConnection.firstEntry().getValue();
        if (first == null) {
            return null;
        }
        String difference = Admission.difference(join, first.join, first.toString());
        return difference == null ? null : who + difference + ". All processes need the same options";
    }

    private void present(Attendee attendee, Present present) {
        if (attendee.seated && present.generation() != generation) {
            lose(attendee, "it has ended generation " + present.generation() + ", and this is " + generation);
            return;
        }
        attendee.present = true;
        attendee.reached = present.reached();
        if (phase == Phase.RUNNING && !attendee.seated) {
            // All that held the state were given up, and one of them comes again.
            adjourn(newest.isNothing() && !attendee.reached.isNothing());
        } else {
            endGeneration();
            conveneIfReady();
        }
    }

    /**
     * Asks the generation to end between two steps, if a process waits that should have seats.
     *
     * @param newer whether it holds a state, and the generation has begun without one
     */
    private void adjourn(boolean newer) {
        List<Attendee> seated =
                byConnection.values().stream().filter(each -> each.seated).toList();
        if (!adjourned && !ending && (newer || seated.size() < plan.processes())) {
            adjourned = true;
            Adjourn adjourn = new Adjourn(generation);
            seated.forEach(each -> outbox.send(each.connection, adjourn));
        }
    }

    private void endGeneration() {
        if (phase == Phase.RUNNING) {
            phase = Phase.REPORTING;
            deadline = clock.time() + plan.reportTimeout().toNanos();
        }
    }

    private void leave(Attendee attendee) {
        byConnection.remove(attendee.connection);
        outbox.close(attendee.connection);
        listener.left(attendee.toString(), attendee.pid());
        ending |= attendee.seated;
        conveneIfReady();
    }

    /** The work is done, and nobody with seats may hold its state: others would do it again. */
    private void dismissSpares() {
        boolean needed = byConnection.values().stream()
                .anyMatch(each -> each.seated && (!each.present || !each.reached.isNothing()));
        if (ending && end == null && !needed) {
            Refused dismissal = new Refused(NOT_NEEDED);
            for (Attendee spare : List.copyOf(byConnection.values())) {
                byConnection.remove(spare.connection);
                outbox.send(spare.connection, dismissal);
                outbox.close(spare.connection);
            }
        }
    }

    private void lose(Attendee attendee, String reason) {
        byConnection.remove(attendee.connection);
        outbox.send(attendee.connection, new Lost(attendee.join.member(), reason));
        outbox.close(attendee.connection);
        List<Integer> held = seating == null || !attendee.seated ? List.of() : seating.seatsOf(attendee.number);
        listener.lost(attendee.toString(), attendee.pid(), held, generation, newest, reason);
        if (end != null) {
            return;
        }
        if (attendee.seated) {
            int seat = held.isEmpty() ? Message.NO_RANK : held.get(0);
            venue.giveUp(new Member(seat, attendee.host(), attendee.pid()), reason);
            endGeneration();
            // It may end before a step is done.
            adjourned = false;
        }
        conveneIfReady();
    }

    /** Begins the next generation if all have reported, and they are enough. */
    private void conveneIfReady() {
        dismissSpares();
        boolean awaited = byConnection.values().stream().anyMatch(each -> each.seated && !each.present);
        if (end != null || phase == Phase.RUNNING || awaited) {
            return;
        }
        long here = byConnection.values().stream().filter(each -> each.present).count();
        if (here >= needed()) {
            convene();
        } else if (phase == Phase.REPORTING) {
            phase = Phase.SHORT;
            deadline = clock.time() + plan.replacementTimeout().toNanos();
        }
    }

    private int needed() {
        if (generation == 0) {
            return plan.processes();
        }
        // Those that are done have left: nobody comes in their place.
        return ending ? 1 : plan.leastProcesses();
    }

    private void convene() {
        List<Attendee> here =
                byConnection.values().stream().filter(each -> each.present).toList();
        Convocation next = new Convocation(here, plan.processes());
        boolean progressed = generation == 0 || adjourned || next.newest.compareTo(newest) > 0;
        fruitless = progressed ? 0 : fruitless + 1;
        if (fruitless > UsherPlan.MOST_FRUITLESS) {
            end(fruitless + " generations in succession have ended before a step was done, after step "
                    + next.newest.step()
                    + ". Look at the output of the processes: what they compute or read in that step, or their"
                    + " network, ends them");
            return;
        }
        String rendezvous;
        try {
            rendezvous = venue.open(generation + 1, plan.seats());
        } catch (UncheckedIOException e) {
            end("generation " + (generation + 1) + " has no rendezvous, since host " + host.host()
                    + " cannot open one: " + e.getMessage());
            return;
        }
        generation++;
        Seating assigned = seating == null ? Seating.of(plan.seats(), next.numbers()) : seating.among(next.numbers());
        int source = next.source(assigned);
        byConnection.values().forEach(each -> each.seated = false);
        for (Attendee each : next.seated) {
            each.seated = true;
            each.present = false;
            outbox.send(each.connection, new Convened(generation, rendezvous, each.number, assigned.holders(), source));
        }
        seating = assigned;
        phase = Phase.RUNNING;
        adjourned = false;
        newest = next.newest;
        former = next.seated.get(0);
        listener.convened(generation, assigned, newest, next.behind());
    }

    /** Time is up for those that have not reported, or for the run. */
    private void expire() {
        if (phase == Phase.REPORTING) {
            deadline = clock.time() + plan.reportTimeout().toNanos();
            byConnection.values().stream()
                    .filter(each -> each.seated && !each.present)
                    .toList()
                    .forEach(each -> lose(
                            each,
                            "it is alive, but has not reported within "
                                    + plan.reportTimeout().toSeconds() + " s after the end of generation "
                                    + generation + ": its program is in a very long step, or hangs"));
            return;
        }
        List<Attendee> here =
                byConnection.values().stream().filter(each -> each.present).toList();
        if (generation == 0 && here.size() >= plan.leastProcesses()) {
            convene();
            return;
        }
        String what = generation == 0
                ? "the run did not start within " + plan.joinTimeout().toMillis() + " ms"
                : "the run has too few processes, and within "
                        + plan.replacementTimeout().toMillis() + " ms no other came";
        end(what + ": at least " + plan.leastProcesses() + " are needed, and " + here.size() + " are there"
                + (here.isEmpty() ? "" : " " + here)
                + (refusals.isEmpty() ? "" : ". Refused: " + refusals)
                + ". Look at the output of those that are missing");
    }

    private void end(String reason) {
        end = reason;
        Refused refused = new Refused(reason);
        byConnection.keySet().forEach(connection -> outbox.send(connection, refused));
        listener.failed(reason);
    }
}
