package io.gyre.launcher;

import io.gyre.transport.OpenFiles;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Checks what the operating system offers. */
final class HostCheckup {

    private static final long MIB = 1 << 20;

    /** Docker's default. */
    private static final long SMALL_SHARED_MEMORY = 64 * MIB;

    private static final long SMALL_MEMORY = 2048 * MIB;
    private static final long SMALL_SOCKET_BUFFER = 2 * MIB;
    private static final long FEW_OPEN_FILES = 1024;

    /** A JVM opens a file for each jar; the same number as in bin/gyre. */
    private static final long LEAST_OPEN_FILES = 256;

    private static final int ETHERNET_MTU = 1500;

    private final Path root;

    /**
     * Checks a host.
     *
     * @param root of its file system
     */
    HostCheckup(Path root) {
        this.root = root;
    }

    List<Finding> findings() throws IOException {
        List<Finding> findings = new ArrayList<>();
        findings.add(Finding.ok(
                "system",
                System.getProperty("os.name") + " " + System.getProperty("os.version") + ", "
                        + System.getProperty("os.arch")));
        findings.add(Finding.ok("cores", String.valueOf(Runtime.getRuntime().availableProcessors())));
        findings.add(memory());
        findings.add(sharedMemory());
        findings.add(openFiles());
        socketBuffer("receive buffer", "net.core.rmem_max").ifPresent(findings::add);
        socketBuffer("send buffer", "net.core.wmem_max").ifPresent(findings::add);
        findings.addAll(interfaces());
        return findings;
    }

    Finding memory() throws IOException {
        long total = ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class)
                .getTotalMemorySize();
        Optional<Long> available = availableMemory();
        String value = size(total)
                + available.map(bytes -> ", " + size(bytes) + " available").orElse("");
        return available.orElse(total) < SMALL_MEMORY
                ? Finding.hint("memory", value, "a rank of a small model takes about 1 GiB; start few, or free some")
                : Finding.ok("memory", value);
    }

    private Optional<Long> availableMemory() throws IOException {
        return read("proc/meminfo").flatMap(text -> {
            Matcher matcher = Pattern.compile("MemAvailable:\\s+(\\d+) kB").matcher(text);
            return matcher.find() ? Optional.of(Long.parseLong(matcher.group(1)) << 10) : Optional.empty();
        });
    }

    Finding sharedMemory() throws IOException {
        Path directory = root.resolve("dev/shm");
        if (!Files.isDirectory(directory)) {
            return Finding.hint("/dev/shm", "not there", "the ranks of a host meet in the temporary directory instead");
        }
        if (!Files.isWritable(directory)) {
            return Finding.problem("/dev/shm", "not writable", "let this user write to it (mode 1777)");
        }
        FileStore store = Files.getFileStore(directory);
        String value = size(store.getTotalSpace()) + ", " + size(store.getUsableSpace()) + " free";
        return store.getUsableSpace() <= SMALL_SHARED_MEMORY
                ? Finding.hint(
                        "/dev/shm",
                        value,
                        "too small for a big model; remount it with size=2g, or start the container with --shm-size=2g")
                : Finding.ok("/dev/shm", value);
    }

    private static Finding openFiles() {
        if (ManagementFactory.getOperatingSystemMXBean()
                instanceof com.sun.management.UnixOperatingSystemMXBean system) {
            return openFiles(system.getMaxFileDescriptorCount());
        }
        return Finding.ok("open files", "no limit known");
    }

    static Finding openFiles(long most) {
        if (most < LEAST_OPEN_FILES) {
            return Finding.problem("open files", String.valueOf(most), OpenFiles.ADVICE);
        }
        return most < FEW_OPEN_FILES
                ? Finding.hint("open files", String.valueOf(most), OpenFiles.ADVICE)
                : Finding.ok("open files", String.valueOf(most));
    }

    Optional<Finding> socketBuffer(String name, String setting) throws IOException {
        return read("proc/sys/" + setting.replace('.', '/')).map(text -> {
            long bytes = Long.parseLong(text.strip());
            return bytes < SMALL_SOCKET_BUFFER
                    ? Finding.hint(
                            name,
                            size(bytes),
                            "UDP between hosts is faster with more: sysctl -w " + setting + "=" + SMALL_SOCKET_BUFFER)
                    : Finding.ok(name, size(bytes));
        });
    }

    private static List<Finding> interfaces() throws SocketException {
        List<Finding> findings = new ArrayList<>();
        for (NetworkInterface network : Collections.list(NetworkInterface.getNetworkInterfaces())) {
            if (network.isUp()) {
                String name = "network " + network.getName();
                String value = "MTU " + network.getMTU();
                findings.add(
                        network.getMTU() < ETHERNET_MTU
                                ? Finding.hint(name, value, "less than Ethernet's 1500: datagrams will be fragmented")
                                : Finding.ok(name, value));
            }
        }
        return findings;
    }

    /**
     * Reads in one call: the kernel returns a setting only to a reader that does not read byte by byte, as
     * Files.readString does.
     */
    private Optional<String> read(String file) throws IOException {
        Path path = root.resolve(file);
        if (!Files.isReadable(path)) {
            return Optional.empty();
        }
        try (Stream<String> lines = Files.lines(path)) {
            return Optional.of(lines.collect(Collectors.joining("\n")));
        }
    }

    private static String size(long bytes) {
        return bytes < 1024 * MIB
                ? String.format(Locale.ROOT, "%.1f MiB", bytes / (double) MIB)
                : String.format(Locale.ROOT, "%.1f GiB", bytes / (1024.0 * MIB));
    }
}
