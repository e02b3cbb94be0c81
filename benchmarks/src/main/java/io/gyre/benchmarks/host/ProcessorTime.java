package io.gyre.benchmarks.host;

import io.gyre.GyreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Processor time used so far by this process and by the host; the difference shows how busy the machine was during a
 * benchmark.
 *
 * @param ownTicks of this process and of its children that have ended
 * @param usedTicks of all programs, and what a hypervisor has given to other machines (steal)
 * @param busyTicks of all processors, work for interrupts included
 * @param allTicks of all processors, idle time included
 */
public record ProcessorTime(long ownTicks, long usedTicks, long busyTicks, long allTicks) {

    /** Share of the processors that others may take before the machine counts as busy. */
    static final double BUSY = 0.05;

    /** In the order of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal. */
    private static final int KINDS = 8;

    private static final int IDLE = 3;
    private static final int WAITING_FOR_DISK = 4;
    private static final int INTERRUPT = 5;
    private static final int SOFT_INTERRUPT = 6;

    /** In /proc/self/stat, after the name: user and system, of the process and of its children. */
    private static final int OWN = 11;

    private static final int KINDS_OF_OWN = 4;

    private static final ProcessorTime UNKNOWN = new ProcessorTime(0, 0, 0, 0);

    /** The counters now; all zero if the system does not report them. */
    public static ProcessorTime now() {
        Path host = Path.of("/proc/stat");
        Path process = Path.of("/proc/self/stat");
        if (!Files.isReadable(host) || !Files.isReadable(process)) {
            return UNKNOWN;
        }
        try {
            return parse(
                    Files.readAllLines(host).get(0), Files.readAllLines(process).get(0));
        } catch (IOException e) {
            throw new GyreException("this host does not tell what its processors do: " + e, e);
        }
    }

    static ProcessorTime parse(String ofHost, String ofProcess) {
        String[] host = ofHost.split(" +", -1);
        long used = 0;
        long busy = 0;
        long all = 0;
        for (int kind = 0; kind < KINDS; kind++) {
            long ticks = Long.parseLong(host[kind + 1]);
            boolean waits = kind == IDLE || kind == WAITING_FOR_DISK;
            all += ticks;
            busy += waits ? 0 : ticks;
            // The kernel accounts interrupts, and so datagrams, to no process.
            used += waits || kind == INTERRUPT || kind == SOFT_INTERRUPT ? 0 : ticks;
        }
        // The name, in brackets, may have spaces and brackets in it.
        String[] process = ofProcess.substring(ofProcess.lastIndexOf(')') + 2).split(" ", -1);
        long own = 0;
        for (int kind = 0; kind < KINDS_OF_OWN; kind++) {
            own += Long.parseLong(process[OWN + kind]);
        }
        return new ProcessorTime(own, used, busy, all);
    }

    /** The time used since then. */
    public ProcessorTime since(ProcessorTime before) {
        return new ProcessorTime(
                ownTicks - before.ownTicks,
                usedTicks - before.usedTicks,
                busyTicks - before.busyTicks,
                allTicks - before.allTicks);
    }

    /** Share of the processors that others have taken, from 0 to 1; null if that is not known. */
    public @Nullable Double othersShare() {
        return othersShare(ownTicks);
    }

    /**
     * The same, if several processes are ours.
     *
     * @param ours ticks of all of them
     */
    public @Nullable Double othersShare(long ours) {
        return allTicks <= 0 ? null : Math.max(0, (double) (usedTicks - ours) / allTicks);
    }

    /** A warning as one line of text; empty if there is nothing to warn about. */
    public static String warning(@Nullable Double othersShare) {
        return othersShare == null || othersShare <= BUSY
                ? ""
                : String.format(
                        Locale.ROOT,
                        "WARNING: other programs took %.0f %% of this host's processor time meanwhile (more than"
                                + " %.0f %%): these are figures of a busy machine%n",
                        othersShare * 100,
                        BUSY * 100);
    }
}
