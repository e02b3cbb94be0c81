package io.gyre.queue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say what a worker may give to its jobs. */
final class RoomOptions {

    private static final int MB = 1 << 20;

    @Option(
            names = "--slots",
            paramLabel = "K",
            description =
                    "Run at most K jobs at the same time. Their cores are not counted then, unless --cores is given.")
    private @Nullable Integer slots;

    @Option(
            names = "--cores",
            paramLabel = "N",
            description = "Cores for all jobs together. Default: those of this machine.")
    private @Nullable Integer cores;

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            description = "Memory for all jobs together. Default: that of this machine.")
    private @Nullable String memory;

    @Option(
            names = "--gpus",
            paramLabel = "N",
            description = "GPUs for all jobs together. Default: NVIDIA's of this machine, or those that"
                    + " CUDA_VISIBLE_DEVICES names.")
    private @Nullable Integer gpus;

    Room room() throws IOException {
        int all = slots == null ? Runtime.getRuntime().availableProcessors() : Room.MOST;
        return new Room(
                slots == null ? Room.MOST : slots,
                cores == null ? all : cores,
                memory == null ? ofMachine() : Quantity.megabytes("--memory", memory),
                gpus == null ? visibleGpus() : gpus);
    }

    private static long ofMachine() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getTotalMemorySize() / MB
                : Room.MOST_MB;
    }

    private static int visibleGpus() throws IOException {
        String visible = System.getenv("CUDA_VISIBLE_DEVICES");
        if (visible != null) {
            return visible.isBlank() ? 0 : visible.split(",", -1).length;
        }
        Path devices = Path.of("/dev");
        int count = 0;
        if (Files.isDirectory(devices)) {
            try (DirectoryStream<Path> found = Files.newDirectoryStream(devices, "nvidia[0-9]*")) {
                for (Path device : found) {
                    count += Files.isDirectory(device) ? 0 : 1;
                }
            }
        }
        return count;
    }
}
