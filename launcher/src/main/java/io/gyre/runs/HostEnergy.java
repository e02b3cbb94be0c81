package io.gyre.runs;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Energy that the processors of this host use, by the counters of Intel's and AMD's packages that Linux shows (RAPL).
 * All programs on the host are in it. Most hosts let only root read the counters, and virtual machines have none.
 *
 * @see <a href="https://docs.kernel.org/power/powercap/powercap.html">Power capping framework of Linux</a>
 */
final class HostEnergy {

    static final Path ROOT = Path.of("/sys/class/powercap");

    private final List<Counter> counters = new ArrayList<>();
    private double microjoules;

    private static final class Counter {
        private final Path file;
        private final long range;
        private long last;

        Counter(Path file, long range, long last) {
            this.file = file;
            this.range = range;
            this.last = last;
        }
    }

    /** Begins to count; if a counter cannot be read, there is no result. */
    HostEnergy(Path root) {
        if (!Files.isDirectory(root)) {
            return;
        }
        try (DirectoryStream<Path> packages = Files.newDirectoryStream(root, "intel-rapl:[0-9]*")) {
            for (Path zone : packages) {
                // One with a second number is a part of a package.
                if (zone.getFileName().toString().matches("intel-rapl:\\d+")) {
                    Path file = zone.resolve("energy_uj");
                    counters.add(new Counter(file, number(zone.resolve("max_energy_range_uj")), number(file)));
                }
            }
        } catch (IOException | NumberFormatException notForUs) {
            counters.clear();
        }
    }

    private static long number(Path file) throws IOException {
        return Long.parseLong(Files.readString(file).strip());
    }

    /** Reads the counters; to be called more often than they start again from 0, which takes some minutes. */
    void sample() {
        try {
            for (Counter counter : counters) {
                long now = number(counter.file);
                long used = now - counter.last;
                microjoules += used < 0 ? used + counter.range : used;
                counter.last = now;
            }
        } catch (IOException | NumberFormatException gone) {
            counters.clear();
        }
    }

    /** Joules up to the last sample; empty if the host does not tell. */
    OptionalDouble joules() {
        return counters.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(microjoules / 1e6);
    }
}
