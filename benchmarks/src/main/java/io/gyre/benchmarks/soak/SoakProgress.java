package io.gyre.benchmarks.soak;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** Progress of a soak run, printed once a second, so that a crashed run has reported it. Used by one thread. */
final class SoakProgress {

    /**
     * First word of the line; then collections, steps, and processor time per step of the second half, in microseconds.
     */
    static final String WORD = "soaked";

    private static final long LINE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private final long begin = System.nanoTime();
    private final long length;

    private long lastLine = begin;
    private long steps;
    private long stepsAtHalf = -1;
    private long cpuAtHalf;

    SoakProgress(int seconds) {
        length = TimeUnit.SECONDS.toNanos(seconds);
    }

    /** Whether there is time for more steps than have been done. */
    boolean more(long done) {
        steps = done;
        long now = System.nanoTime();
        if (stepsAtHalf < 0 && now - begin > length / 2) {
            stepsAtHalf = done;
            cpuAtHalf = system.getProcessCpuTime();
        }
        if (now - lastLine > LINE_NANOS) {
            lastLine = now;
            print();
        }
        return now - begin < length;
    }

    void finish() {
        print();
    }

    private void print() {
        long collections = ManagementFactory.getGarbageCollectorMXBeans().stream()
                .mapToLong(GarbageCollectorMXBean::getCollectionCount)
                .sum();
        long measured = stepsAtHalf < 0 ? 0 : steps - stepsAtHalf;
        double micros = measured == 0 ? 0 : (system.getProcessCpuTime() - cpuAtHalf) / 1e3 / measured;
        System.out.println(String.format(Locale.ROOT, "%s %d %d %.1f", WORD, collections, steps, micros));
    }
}
