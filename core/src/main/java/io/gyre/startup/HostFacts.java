package io.gyre.startup;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a process finds about its host without measuring.
 *
 * @param host name, for people
 * @param machine the same for all processes under one kernel, and different for others
 * @param gyre version of Gyre; {@code unknown} for classes that are not in a jar
 * @param java version of Java
 * @param cores that this process may use
 * @param cpus which cores these are, so that processes with equal texts compete for them; empty if it may use only a
 *     part of their time, or if they are unknown
 * @param threads with which this rank computes; 0 if unknown, or if a GPU computes
 * @param memoryBytes memory of the host; negative if unknown
 * @param availableBytes the part of it that programs can still get; negative if unknown
 * @param sharedBytes free space in /dev/shm; negative if there is none
 * @param load processes that wanted a core during the last minute, on average; negative if unknown
 */
public record HostFacts(
        String host,
        String machine,
        String gyre,
        String java,
        int cores,
        String cpus,
        int threads,
        long memoryBytes,
        long availableBytes,
        long sharedBytes,
        double load) {

    static final long UNKNOWN = -1;

    private static final Logger LOG = LoggerFactory.getLogger(HostFacts.class);

    /**
     * The facts about this process and its host.
     *
     * @param threads see above
     */
    public static HostFacts here(int threads) {
        return here(threads, Path.of("/"));
    }

    /**
     * As above, for tests.
     *
     * @param root of the file system
     */
    static HostFacts here(int threads, Path root) {
        String host = hostName();
        String version = HostFacts.class.getPackage().getImplementationVersion();
        String memory = text(root.resolve("proc/meminfo"));
        int cores = Runtime.getRuntime().availableProcessors();
        String cpus = cpus(text(root.resolve("proc/self/status")));
        String boot = text(root.resolve("proc/sys/kernel/random/boot_id"));
        return new HostFacts(
                host,
                boot.isEmpty() ? host : boot,
                version == null ? "unknown" : version,
                Runtime.version().toString(),
                cores,
                count(cpus) == cores ? cpus : "",
                threads,
                kilobytes(memory, "MemTotal"),
                kilobytes(memory, "MemAvailable"),
                freeBytes(root.resolve("dev/shm")),
                ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    }

    private static String cpus(String status) {
        Matcher matcher =
                Pattern.compile("Cpus_allowed_list:\\s*([0-9,-]{1,2000})").matcher(status);
        return matcher.find() ? matcher.group(1) : "";
    }

    /** Number of processors in a list such as {@code 0-3,8}. */
    private static int count(String cpus) {
        int count = 0;
        Matcher range = Pattern.compile("(\\d{1,6})(?:-(\\d{1,6}))?").matcher(cpus);
        while (range.find()) {
            int first = Integer.parseInt(range.group(1));
            count += (range.group(2) == null ? first : Integer.parseInt(range.group(2))) - first + 1;
        }
        return count;
    }

    private static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            LOG.debug("this host does not know its name", e);
            return "localhost";
        }
    }

    private static long kilobytes(String text, String name) {
        Matcher matcher = Pattern.compile(name + ":\\s+(\\d{1,15}) kB").matcher(text);
        return matcher.find() ? Long.parseLong(matcher.group(1)) << 10 : UNKNOWN;
    }

    private static long freeBytes(Path directory) {
        try {
            return Files.isDirectory(directory) ? Files.getFileStore(directory).getUsableSpace() : UNKNOWN;
        } catch (IOException e) {
            LOG.debug("the space in {} is unknown", directory, e);
            return UNKNOWN;
        }
    }

    /** By lines: the kernel gives some files only to a reader that does not read byte by byte. */
    private static String text(Path file) {
        if (!Files.isReadable(file)) {
            return "";
        }
        try (Stream<String> lines = Files.lines(file)) {
            return lines.collect(Collectors.joining("\n"));
        } catch (IOException e) {
            LOG.debug("{} cannot be read", file, e);
            return "";
        }
    }
}
