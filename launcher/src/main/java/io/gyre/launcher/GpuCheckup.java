package io.gyre.launcher;

import io.gyre.device.Device;
import io.gyre.device.DeviceException;
import io.gyre.device.DeviceInfo;
import io.gyre.device.DeviceProvider;
import io.gyre.device.Devices;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Checks which GPUs there are. */
final class GpuCheckup {

    private static final List<String> LIBRARY_DIRECTORIES = List.of(
            "usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "usr/lib", "usr/local/cuda/lib64");

    private final Path root;

    /**
     * Checks a host.
     *
     * @param root of its file system
     */
    GpuCheckup(Path root) {
        this.root = root;
    }

    /** What the kernel's driver reports and, if the CUDA driver can be loaded, what that reports of each GPU. */
    List<Finding> findings(List<DeviceProvider> providers) throws IOException {
        List<Finding> findings = new ArrayList<>();
        for (DeviceProvider provider : providers) {
            try (Devices devices = provider.open()) {
                for (DeviceInfo info : devices.list()) {
                    findings.add(Finding.ok("GPU " + info.ordinal(), describe(devices, info) + ", " + devices.name()));
                }
            } catch (DeviceException e) {
                if (e.reason() != DeviceException.Reason.ABSENT || !models().isEmpty()) {
                    findings.add(Finding.hint(
                            "GPU by " + provider.name(), "cannot be used", String.valueOf(e.getMessage())));
                }
            }
        }
        if (findings.isEmpty()) {
            findings.add(finding());
        }
        return findings;
    }

    private static String describe(Devices devices, DeviceInfo info) {
        StringBuilder text = new StringBuilder(info.name())
                .append(", compute capability ")
                .append(info.computeCapability())
                .append(", ")
                .append(mebibytes(info.totalBytes()))
                .append(" MiB");
        try (Device device = devices.open(info.ordinal())) {
            text.append(", ").append(mebibytes(device.freeBytes())).append(" MiB free");
        } catch (DeviceException e) {
            text.append(", cannot be opened (").append(e.getMessage()).append(')');
        }
        String peers = devices.list().stream()
                .filter(peer -> peer.ordinal() != info.ordinal() && devices.peerAccess(info.ordinal(), peer.ordinal()))
                .map(peer -> String.valueOf(peer.ordinal()))
                .collect(Collectors.joining(", "));
        if (!peers.isEmpty()) {
            text.append(", reaches GPU ").append(peers);
        }
        return text.append(CudaBackend.runsOn(info) ? ", ND4J CUDA has code for it" : ", ND4J CUDA has no code for it")
                .toString();
    }

    private static long mebibytes(long bytes) {
        return bytes >> 20;
    }

    Finding finding() throws IOException {
        List<String> models = models();
        if (models.isEmpty()) {
            return Finding.ok("GPU", library().isPresent() ? "none (libcuda is there)" : "none");
        }
        String value = String.join(", ", models);
        return library().isEmpty()
                ? Finding.hint("GPU", value, "libcuda.so.1 was not found; install the driver's user part")
                : Finding.ok("GPU", value);
    }

    /** From {@code /proc/driver/nvidia/gpus/ADDRESS/information}. */
    private List<String> models() throws IOException {
        Path directory = root.resolve("proc/driver/nvidia/gpus");
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> gpus = Files.list(directory)) {
            return gpus.sorted().map(GpuCheckup::model).toList();
        }
    }

    private static String model(Path gpu) {
        try (Stream<String> lines = Files.lines(gpu.resolve("information"))) {
            return lines.filter(line -> line.startsWith("Model:"))
                    .map(line -> line.substring("Model:".length()).strip())
                    .findFirst()
                    .orElse("unnamed");
        } catch (IOException e) {
            return "unreadable (" + e.getMessage() + ")";
        }
    }

    private Optional<Path> library() {
        return LIBRARY_DIRECTORIES.stream()
                .map(directory -> root.resolve(directory).resolve("libcuda.so.1"))
                .filter(Files::exists)
                .findFirst();
    }
}
