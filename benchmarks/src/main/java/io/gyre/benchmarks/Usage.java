package io.gyre.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import io.gyre.GyreException;
import io.gyre.benchmarks.host.ProcessorTime;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Counters of resource use at one moment.
 *
 * @param nanos the time, in nanoseconds
 * @param sentBytes of this host's link, headers included
 * @param receivedBytes of this host's link, headers included
 * @param processNanos processor time of this process
 * @param busyTicks of all processors of the machine, idle time included
 * @param allTicks of all processors of the machine
 */
record Usage(long nanos, long sentBytes, long receivedBytes, long processNanos, long busyTicks, long allTicks) {

    private static final Path STATISTICS = Path.of("/sys/class/net", ShapedHosts.INTERFACE, "statistics");
    private static final OperatingSystemMXBean SYSTEM =
            ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    static Usage now() {
        try {
            ProcessorTime time = ProcessorTime.now();
            return new Usage(
                    System.nanoTime(),
                    linkBytes("tx_bytes"),
                    linkBytes("rx_bytes"),
                    SYSTEM.getProcessCpuTime(),
                    time.busyTicks(),
                    time.allTicks());
        } catch (IOException e) {
            throw new GyreException("this host does not tell what is used: " + e, e);
        }
    }

    /** 0 if ranks were started without shaped links, as in tests. */
    private static long linkBytes(String name) throws IOException {
        Path file = STATISTICS.resolve(name);
        return Files.exists(file) ? Long.parseLong(Files.readString(file).strip()) : 0;
    }
}
