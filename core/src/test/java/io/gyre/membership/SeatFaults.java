package io.gyre.membership;

import static io.gyre.membership.SimulatedHosts.MILLI;
import static io.gyre.membership.SimulatedHosts.SECOND;

import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** What befalls the processes and the launcher of {@link SimulatedSeats}, and when. */
final class SeatFaults {

    private static final long UNTIL = 9 * SECOND;

    /** A pause of the launcher is shorter. */
    private static final long LONGEST = 8 * SECOND;

    /** What can happen to a run. */
    enum Fault {
        CRASH,
        RESTART,
        NEWCOMER,
        FREEZE,
        CUT,
        CUT_UP,
        CUT_DOWN,
        BREAK,
        BREAK_SEAT,
        HANG,
        FAIL,
        LAUNCHER_PAUSE
    }

    private final SimulatedSeats run;
    private final SimulatedHosts hosts;
    private final SplittableRandom random;
    private long lastTrouble;
    private long launcherStall;

    /** Without faults until {@link #plan}. */
    SeatFaults(SimulatedSeats run) {
        this.run = run;
        hosts = run.hosts;
        random = run.random;
    }

    /** Until when a fault may last that has begun. */
    long lastTrouble() {
        return lastTrouble;
    }

    /** Until when the launcher stands, or has last stood still. */
    long launcherStall() {
        return launcherStall;
    }

    /** Chooses what will happen. */
    void plan() {
        int count = random.nextInt(6);
        for (int i = 0; i < count; i++) {
            Fault fault = Fault.values()[random.nextInt(Fault.values().length)];
            hosts.at(hosts.now() + random.nextLong(UNTIL), () -> befall(fault));
        }
        // Often several at once.
        if (count > 1 && random.nextInt(3) == 0) {
            long moment = hosts.now() + random.nextLong(UNTIL);
            for (int i = 0; i < 2; i++) {
                Fault fault = random.nextBoolean() ? Fault.CRASH : Fault.RESTART;
                hosts.at(moment + random.nextLong(300 * MILLI), () -> befall(fault));
            }
        }
    }

    private void befall(Fault fault) {
        if (run.launcher.hasEnded()) {
            return;
        }
        long time = random.nextLong(random.nextBoolean() ? 2 * SECOND : LONGEST);
        lastTrouble = Math.max(lastTrouble, hosts.now() + time);
        if (fault == Fault.NEWCOMER) {
            run.tally.count(fault);
            run.note(fault);
            run.start();
        } else if (fault == Fault.LAUNCHER_PAUSE) {
            run.tally.count(fault);
            run.note(fault + " " + time / MILLI + " ms");
            SimulatedHosts.Host launcher = run.launcher.host;
            launcher.frozenUntil = Math.max(launcher.frozenUntil, hosts.now() + time);
            launcherStall = launcher.frozenUntil;
        } else {
            SeatedLife process = victim();
            if (process != null) {
                run.tally.count(fault);
                run.note(fault + " " + process + " " + time / MILLI + " ms");
                befall(process, fault, hosts.now() + time);
            }
        }
    }

    private @Nullable SeatedLife victim() {
        List<SeatedLife> active =
                run.processes.stream().filter(SeatedLife::isActive).toList();
        return active.isEmpty() ? null : active.get(random.nextInt(active.size()));
    }

    private void befall(SeatedLife process, Fault fault, long until) {
        switch (fault) {
            case CRASH -> process.crash();
            case RESTART -> {
                process.crash();
                hosts.at(hosts.now() + random.nextLong(3 * SECOND), run::start);
            }
            case FREEZE -> {
                process.silentUntil(until);
                process.frozenUntil = Math.max(process.frozenUntil, until);
            }
            case CUT -> {
                process.silentUntil(until);
                process.cutOut = Math.max(process.cutOut, until);
                process.cutIn = Math.max(process.cutIn, until);
            }
            case CUT_UP -> {
                process.silentUntil(until);
                process.cutOut = Math.max(process.cutOut, until);
            }
            case CUT_DOWN -> {
                process.silentUntil(until);
                process.cutIn = Math.max(process.cutIn, until);
            }
            case BREAK -> process.breakLink();
            case BREAK_SEAT -> process.breakSeat();
            case HANG -> {
                process.hang();
                lastTrouble = Math.max(lastTrouble, hosts.now() + 60 * SECOND);
            }
            case FAIL -> process.fail();
            default -> throw new AssertionError(fault);
        }
    }
}
