package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.DisagreementException;
import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.testkit.SimulatedProcess;
import io.gyre.testkit.SimulatedRun;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The faults of one simulated run, and which failures they explain. A process may fail because of a fault of its own
 * or of the process that it names, because the run was lost or did not come about, or because it was restarted when
 * others had finished.
 */
final class SimulatedFaults {

    /** Longest time from the last fault of a run to the failure of a process that waits for a rank to join. */
    static final Duration TO_FAIL = SimulatedRun.JOIN_TIMEOUT.plus(SimulatedRun.LONGEST_STALL);

    private final SimulatedRun run;
    private final boolean hosted;
    private final Set<SimulatedProcess> faulty = new HashSet<>();
    private final Set<SimulatedProcess> restarted = new HashSet<>();

    private boolean happened;
    private boolean incomplete;
    private long lastFault;
    private @Nullable Member lost;

    SimulatedFaults(SimulatedRun run, boolean hosted) {
        this.run = run;
        this.hosted = hosted;
    }

    /** A rank is never started: the run cannot come about. */
    void neverStarted() {
        happened = true;
    }

    /** Something happens to a process, until a time. */
    void happens(SimulatedProcess process, long until) {
        happened = true;
        faulty.add(process);
        lastFault = Math.max(lastFault, until);
    }

    /** A process takes the seat of one that was lost. */
    void restarted(SimulatedProcess process) {
        restarted.add(process);
    }

    /** The coordinator gives up waiting for all ranks. */
    void incomplete() {
        assertThat(happened).as("a run that did not come about has a reason").isTrue();
        incomplete = true;
    }

    /** The coordinator has lost a rank, and the run ends. */
    void lost(Member member, String reason) {
        assertThat(lost).as("a second loss").isNull();
        lost = member;
        assertThat(explainsEnd(member, reason))
                .as("the loss of %s: %s", member, reason)
                .isTrue();
    }

    /** The coordinator continues without an expendable rank. */
    void spared(Member member, String reason) {
        boolean tooLate = reason.startsWith("it failed: ") && restarted.contains(run.process(member));
        assertThat(tooLate || explainsEnd(member, reason))
                .as("%s is spared: %s", member, reason)
                .isTrue();
    }

    /** Whether a process had a fault, or reported a failure, which is checked when it has ended. */
    private boolean explainsEnd(Member member, String reason) {
        boolean gaveUp = reason.startsWith("it failed: rank " + member.rank() + " gave up after ");
        boolean missesHost = reason.startsWith("it failed: ") && reason.contains("rank 0 (host") && hostMayBeBlamed();
        return faulty.contains(run.process(member)) || gaveUp || missesHost;
    }

    /** Checks the end of a process. */
    void check(SimulatedProcess process) {
        assertThat(process.isAlive()).as("%s lives on", process).isFalse();
        GyreException failure = process.failure();
        if (!happened) {
            assertThat(failure)
                    .as("failure of %s in a run without faults", process)
                    .isNull();
            assertThat(process.isFinished()).isTrue();
        }
        if (failure != null) {
            assertThat(explains(process, failure))
                    .as("%s, the run lost %s: %s", process, lost, failure.getMessage())
                    .isTrue();
            assertThat(Duration.ofNanos(process.endedAt() - lastFault))
                    .as("time to the failure of %s: %s", process, failure.getMessage())
                    .isLessThanOrEqualTo(TO_FAIL);
        }
    }

    private boolean explains(SimulatedProcess process, GyreException failure) {
        if (failure instanceof PeerLostException loss) {
            return explainsLoss(process, loss);
        }
        if (failure instanceof PeerTimeoutException timeout && hasFault(timeout.rank())) {
            return true;
        }
        return !(failure instanceof DisagreementException)
                && (faulty.contains(process) || incomplete || isTooLate(process, failure) || hostMayBeBlamed());
    }

    /** All blame the process that the coordinator has lost; who does not hear the coordinator blames its host. */
    private boolean explainsLoss(SimulatedProcess process, PeerLostException loss) {
        boolean ofCoordinator = loss.peer().equals(lost);
        boolean ofHost = hosted && loss.rank() == 0 && (faulty.contains(process) || hostMayBeBlamed());
        boolean ofFinished = loss.getMessage().contains(PeerLostException.LEFT) || (hosted && loss.rank() == 0);
        return ofCoordinator
                || ofHost
                || (ofFinished
                        && isTooLate(process, loss)
                        && run.process(loss.peer()).isFinished());
    }

    /** Whether a process has started after the run was lost, or was restarted so late that others have finished. */
    private boolean isTooLate(SimulatedProcess process, GyreException failure) {
        return failure.getMessage().contains(" is too late: the run has lost " + lost + ":")
                || (restarted.contains(process) && run.processes().stream().anyMatch(SimulatedProcess::isFinished));
    }

    private boolean hasFault(int rank) {
        return faulty.stream().anyMatch(process -> process.member().rank() == rank);
    }

    /** Whether the process that hosts the coordinator had a fault, or has failed, which is checked like any failure. */
    private boolean hostMayBeBlamed() {
        return hosted && (hasFault(0) || run.processes().get(0).failure() != null);
    }
}
