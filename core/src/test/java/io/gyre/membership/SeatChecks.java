package io.gyre.membership;

import static io.gyre.membership.SimulatedHosts.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.session.Reached;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What must hold in a run of {@link SimulatedSeats}: follows what the usher says and what the processes do. */
final class SeatChecks implements SeatListener {

    private final SimulatedSeats run;

    /** The newest state with which each generation began, by generation; 0 is before the first. */
    private final List<Reached> begun = new ArrayList<>(List.of(Reached.NOTHING));

    /** Whether a process of the generation before takes part, by generation. */
    private final List<Boolean> continued = new ArrayList<>(List.of(false));

    private final Map<Integer, SeatedLife> byNumber = new HashMap<>();
    private int arrivals;
    private @Nullable String failure;

    SeatChecks(SimulatedSeats run) {
        this.run = run;
    }

    /** The process to which the usher has given a number. */
    SeatedLife holder(int number) {
        return byNumber.get(number);
    }

    /** Seats are given to one process each. */
    void checkHolder(SeatedLife process, Message.Convened convened) {
        assertThat(byNumber.get(convened.own()))
                .as("process %d", convened.own())
                .isSameAs(process);
        assertThat(convened.holders()).contains(convened.own());
    }

    @Override
    public void joined(RunProcess process) {
        SeatedLife joined = run.processes.get((int) process.pid());
        run.note(joined + " joins as " + arrivals);
        joined.joins(arrivals);
        byNumber.put(arrivals++, joined);
    }

    @Override
    public void lost(RunProcess process, List<Integer> held, int generation, Reached newest, String reason) {
        run.note("lost " + process + " with " + held + ": " + reason);
        SeatedLife lost = run.processes.get((int) process.pid());
        lost.loses();
        if (process.number() != lost.number) {
            // It has come again before the end of its former connection was noticed.
            return;
        }
        if (reason.startsWith("it has not answered")) {
            run.tally.verdicts++;
            lost.checkVerdict(run.plan.limits(), run.faults.launcherStall());
        }
    }

    @Override
    public void convened(int generation, Seating seating, Reached newest, long behind) {
        run.note("generation " + generation + ": " + seating + " at " + newest);
        run.tally.generations++;
        assertThat(generation).isEqualTo(begun.size());
        assertThat(seating.size()).isEqualTo(run.seats);
        assertThat(seating.processes()).doesNotHaveDuplicates();
        assertThat(seating.processes().size()).isLessThanOrEqualTo(run.plan.processes());
        begun.add(newest);
        continued.add(seating.processes().stream()
                .anyMatch(number -> byNumber.get(number).wasConvenedIn(generation - 1)));
        boolean anyState = false;
        for (SeatedLife process : run.processes) {
            if (process.isMember()) {
                process.checkConvened(generation, newest);
                anyState |= process.hasReported && !process.reached.isNothing();
            }
        }
        assertThat(anyState && newest.isNothing())
                .as("a process holds a state, and generation %d begins without", generation)
                .isFalse();
        for (int number : seating.processes()) {
            SeatedLife holder = byNumber.get(number);
            assertThat(holder.isMember())
                    .as("%s has seats, and is not in the run", holder)
                    .isTrue();
            holder.convenedIn(generation);
        }
    }

    @Override
    public void left(RunProcess process) {
        run.note(process + " has left");
        run.processes.get((int) process.pid()).leaves();
    }

    @Override
    public void failed(String reason) {
        run.note("failed: " + reason);
        failure = reason;
        assertThat(reason).contains(" are needed, and ");
        long now = run.hosts.now();
        long healthy = run.processes.stream()
                .filter(each -> each.isHealthySince(now - 8 * SECOND))
                .count();
        assertThat(now < run.faults.lastTrouble() + 10 * SECOND || healthy < run.plan.leastProcesses())
                .as("%d healthy processes are there, and the run has ended: %s", healthy, reason)
                .isTrue();
    }

    /**
     * A process has applied step {@code step}. One of an older generation may still apply a step that others have
     * contributed to before they reported: the one with which the next generation begins, and no later one. Only if all
     * were given up, they may go on among themselves until they hear of it.
     */
    void applied(SeatedLife process, int generation, long step, long hash) {
        run.tally.steps++;
        assertThat(hash).as("state of %s after step %d", process, step).isEqualTo(run.fold.after(step + 1));
        if (generation < begun.size() - 1) {
            run.tally.late++;
            assertThat(continued.get(generation + 1) ? step : 0)
                    .as("a step of generation %d that %s applies after the next has begun", generation, process)
                    .isLessThanOrEqualTo(Math.max(0, begun.get(generation + 1).step()));
        }
    }

    /** When the run is over. */
    void end() {
        run.tally.runs++;
        assertThat(run.launcher.hasEnded())
                .as("the run goes on for ever: %s", run.processes)
                .isTrue();
        for (SeatedLife process : run.processes) {
            assertThat(process.isActive()).as("%s lives on", process).isFalse();
            process.checkEnd(failure);
        }
        boolean done = run.processes.stream().anyMatch(SeatedLife::hasFinished);
        assertThat(done || failure != null).as("somebody has done the work").isTrue();
        run.tally.endedEarly += failure == null ? 0 : 1;
    }
}
