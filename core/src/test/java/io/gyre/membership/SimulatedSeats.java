package io.gyre.membership;

import static io.gyre.membership.SimulatedHosts.MILLI;
import static io.gyre.membership.SimulatedHosts.SECOND;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One run with seats in simulated time, all from one seed: {@linkplain SimulatedLauncher the launcher},
 * {@linkplain SeatedLife processes}, {@linkplain SeatFaults what befalls them}, and {@linkplain SeatChecks what must
 * hold}. What each process has computed is compared with a {@linkplain StepFold fold} over the steps.
 */
final class SimulatedSeats {

    static final int CALLS = 2;

    private static final Duration JOIN_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration REPLACEMENT_TIMEOUT = Duration.ofSeconds(25);
    private static final Duration REPORT_TIMEOUT = Duration.ofSeconds(8);

    /** Faults are over after some time; then a run needs this long to end. */
    private static final long LONGEST = 300 * SECOND;

    final SplittableRandom random;
    final SimulatedHosts hosts;
    final SeatTally tally;
    final int seats;
    final List<Integer> allSeats;
    final int stepsOfCall;
    final StepFold fold;
    final UsherPlan plan;
    final SeatChecks checks = new SeatChecks(this);
    final SimulatedLauncher launcher;
    final SeatFaults faults;
    final List<SeatedLife> processes = new ArrayList<>();
    final @Nullable List<String> trace;

    /**
     * Plans a run.
     *
     * @param tracing whether what happens is recorded in words
     */
    SimulatedSeats(long seed, SeatTally tally, boolean tracing) {
        random = new SplittableRandom(seed);
        hosts = new SimulatedHosts(random);
        this.tally = tally;
        trace = tracing ? new ArrayList<>() : null;
        seats = 1 + random.nextInt(5);
        int processCount = 1 + random.nextInt(seats);
        int least = 1 + random.nextInt(random.nextBoolean() ? 1 : processCount);
        stepsOfCall = 2 + random.nextInt(5);
        allSeats = IntStream.range(0, seats).boxed().toList();
        fold = new StepFold(seats, CALLS * stepsOfCall);
        plan = new UsherPlan(
                seats,
                processCount,
                least,
                JOIN_TIMEOUT,
                REPLACEMENT_TIMEOUT,
                REPORT_TIMEOUT,
                SilenceLimits.within(Duration.ofMillis(1500 + random.nextInt(1500))));
        launcher = new SimulatedLauncher(this, checks);
        faults = new SeatFaults(this);
        note(plan);
        int first = random.nextInt(8) == 0 ? least : processCount + random.nextInt(3);
        for (int i = 0; i < first; i++) {
            hosts.at(hosts.now() + random.nextLong(500 * MILLI), this::start);
        }
        faults.plan();
        tick();
    }

    /** A process starts, and looks for the launcher. */
    void start() {
        SeatedLife process = new SeatedLife(this, processes.size());
        processes.add(process);
        process.start();
    }

    private void tick() {
        hosts.at(hosts.now() + Coordinator.TICK.toNanos(), () -> {
            launcher.tick();
            for (int i = 0; i < processes.size(); i++) {
                SeatedLife process = processes.get(i);
                if (process.isActive() && process.frozenUntil <= hosts.now()) {
                    process.tick();
                }
            }
            tick();
        });
    }

    /** Lets the run go on to its end. */
    void play() {
        hosts.play(LONGEST, () -> launcher.hasEnded() && processes.stream().noneMatch(SeatedLife::isActive));
    }

    void note(Object what) {
        if (trace != null) {
            trace.add(hosts.now() / MILLI + " ms: " + what);
        }
    }
}
