package io.gyre.launcher;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Which NVIDIA GPUs there are. Asks the kernel's driver and looks for the user's library; starts and loads nothing. */
final class GpuCheckup {

    private static final List<String> LIBRARY_DIRECTORIES = List.of(
            "usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "usr/lib", "usr/local/cuda/lib64");

    private final Path root;

    /**
     * Looks at a host.
     *
     * @param root of its file system
     */
    GpuCheckup(Path root) {
        this.root = root;
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
