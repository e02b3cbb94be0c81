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
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Seats the processes of a run, generation by generation. In a generation the seats take part in a run of the usual
 * kind, which has a {@link Coordinator} of its own, and which the first loss ends. Then the processes that are left
 * report what state they hold, the seats of the lost one are given to others, and the next generation begins from the
 * newest state. A process that comes later gets seats between two steps: the usher {@linkplain Adjourn adjourns} the
 * generation for it.
 *
 * <p>There is one usher, and it alone convenes generations: of the processes that lose sight of each other, those that
 * reach it go on. A process is alive when it answers the usher's heartbeats. One that was given up finds its generation
 * ended, and joins as a new process.
 *
 * <p>A state machine, as {@link Coordinator} is: it owns no clock, thread or socket. {@link SeatAdmission} decides who
 * may join, {@link Convocation} who gets seats.
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
    private final Attendees attendees;
    private final SeatAdmission admission;
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
        attendees = new Attendees(outbox);
        admission = new SeatAdmission(plan.seats(), host, attendees);
        clock = new UnstalledClock(now, Coordinator.TICK.multipliedBy(2));
        deadline = plan.joinTimeout().toNanos();
    }

    @Override
    public List<Member> members() {
        return attendees.all().stream().map(each -> each.join.member()).toList();
    }

    @Override
    public boolean isOver() {
        return end != null || (ending && attendees.isEmpty());
    }

    @Override
    public boolean hasJoined(int connection) {
        return attendees.on(connection) != null;
    }

    @Override
    public void connected(int connection) {
        boolean closed = over() != null;
        outbox.send(connection, new Welcome(Message.PROTOCOL_VERSION, run, plan.seats(), closed, host, plan.limits()));
    }

    /** Why nobody is let in any more; null if others are. */
    private @Nullable String over() {
        return end == null && ending ? "the run has done its work" : end;
    }

    @Override
    public void received(int connection, Message message) {
        Attendee attendee = attendees.on(connection);
        if (attendee != null) {
            received(attendee, message);
        } else if (message instanceof Join join) {
            join(connection, join);
        } else {
            outbox.close(connection);
        }
    }

    private void received(Attendee attendee, Message message) {
        if (message instanceof Heartbeat answer) {
            attendee.pulse.answered(answer.sent(), clock.time());
        } else if (message instanceof Present present) {
            present(attendee, present);
        } else if (message instanceof Leave) {
            leave(attendee);
        } else if (message instanceof Failed failed) {
            lose(attendee, failed.reason());
        } else {
            lose(
                    attendee,
                    "it sent a " + message.getClass().getSimpleName() + " message, which is not a process's to send");
        }
    }

    @Override
    public void disconnected(int connection, String how) {
        Attendee attendee = attendees.on(connection);
        if (attendee != null) {
            lose(attendee, how);
        }
    }

    @Override
    public void refuseLatecomers(List<Integer> connections) {
        Refused refusal = new Refused(Admission.afterTheEnd(end == null ? "the run is over" : end));
        connections.stream()
                .filter(connection -> !hasJoined(connection))
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
            attendees.sendToAll(new Heartbeat(time));
        }
        for (Attendee attendee : attendees.all()) {
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
            lose(attendee, plan.limits().ofProcess() + ", though its connection is open");
        } else if (attendee.pulse.becomesSuspicious(time, plan.limits())) {
            listener.suspected(attendee.process(), Duration.ofNanos(attendee.pulse.silence(time)));
        }
    }

    private void join(int connection, Join join) {
        String objection = admission.objection(join, over());
        if (objection != null) {
            listener.refused(objection);
            outbox.send(connection, new Refused(objection));
            outbox.close(connection);
            return;
        }
        Attendee attendee = attendees.add(connection, join, clock.time());
        listener.joined(attendee.process());
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
        List<Attendee> seated = attendees.seated();
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
        attendees.remove(attendee);
        listener.left(attendee.process());
        ending |= attendee.seated;
        conveneIfReady();
    }

    /** The work is done, and nobody with seats may hold its state: others would do it again. */
    private void dismissSpares() {
        boolean needed = attendees.seated().stream().anyMatch(each -> !each.present || !each.reached.isNothing());
        if (ending && end == null && !needed) {
            Refused dismissal = new Refused(NOT_NEEDED);
            for (Attendee spare : attendees.all()) {
                outbox.send(spare.connection, dismissal);
                attendees.remove(spare);
            }
        }
    }

    private void lose(Attendee attendee, String reason) {
        outbox.send(attendee.connection, new Lost(attendee.join.member(), reason));
        attendees.remove(attendee);
        List<Integer> held = seating == null || !attendee.seated ? List.of() : seating.seatsOf(attendee.number);
        listener.lost(attendee.process(), held, generation, newest, reason);
        if (end != null) {
            return;
        }
        if (attendee.seated) {
            int seat = held.isEmpty() ? Message.NO_RANK : held.get(0);
            Member lost = attendee.join.member();
            venue.giveUp(new Member(seat, lost.host(), lost.pid()), reason);
            endGeneration();
            // It may end before a step is done.
            adjourned = false;
        }
        conveneIfReady();
    }

    /** Begins the next generation if all have reported, and they are enough. */
    private void conveneIfReady() {
        dismissSpares();
        if (end != null || phase == Phase.RUNNING || !attendees.awaited().isEmpty()) {
            return;
        }
        if (attendees.present().size() >= needed()) {
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
        Convocation next = new Convocation(attendees.present(), plan.processes());
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
        attendees.all().forEach(each -> each.seated = false);
        for (Attendee each : next.seated) {
            each.seated = true;
            each.present = false;
            outbox.send(each.connection, new Convened(generation, rendezvous, each.number, assigned.holders(), source));
        }
        seating = assigned;
        phase = Phase.RUNNING;
        adjourned = false;
        newest = next.newest;
        admission.convened(next.seated);
        listener.convened(generation, assigned, newest, next.behind());
    }

    /** Time is up for those that have not reported, or for the run. */
    private void expire() {
        if (phase == Phase.REPORTING) {
            deadline = clock.time() + plan.reportTimeout().toNanos();
            attendees
                    .awaited()
                    .forEach(each -> lose(
                            each,
                            "it is alive, but has not reported within "
                                    + plan.reportTimeout().toSeconds() + " s after the end of generation "
                                    + generation + ": its program is in a very long step, or hangs"));
            return;
        }
        List<Attendee> here = attendees.present();
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
                + (admission.refusals().isEmpty() ? "" : ". Refused: " + admission.refusals())
                + ". Look at the output of those that are missing");
    }

    private void end(String reason) {
        end = reason;
        attendees.sendToAll(new Refused(reason));
        listener.failed(reason);
    }
}
