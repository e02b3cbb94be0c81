package io.gyre.launcher;

import io.gyre.device.DeviceException;
import io.gyre.device.DeviceInfo;
import io.gyre.device.DeviceProvider;
import io.gyre.device.Devices;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Whether ND4J CUDA can run here, determined without loading ND4J: if it cannot run, its first operation fails with a
 * native error, and it does not fall back to the CPU.
 *
 * @param problem why it cannot run, and what to do; null if it can
 * @param devices ordinals of the GPUs on which it can
 */
public record CudaBackend(@Nullable String problem, List<Integer> devices) {

    /** Of ND4J CUDA 1.0.0-M2.1: it has machine code for these, and no PTX that a driver could compile for others. */
    private static final int NEWEST_MAJOR = 8;

    private static final String CLASS = "org/nd4j/linalg/jcublas/JCublasBackend.class";
    private static final String NATIVES = "org/nd4j/linalg/jcublas/bindings/linux-x86_64/libnd4jcuda.so";
    private static final String REDISTRIBUTED = "org/bytedeco/cuda/linux-x86_64/";
    private static final List<String> LIBRARIES = List.of("libcudart.so.11.0", "libcublas.so.11", "libcusolver.so.11");
    private static final List<String> DIRECTORIES = List.of(
            "usr/local/cuda-11.6/lib64", "usr/local/cuda/lib64", "usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib");

    public CudaBackend {
        devices = List.copyOf(devices);
    }

    /** Checks this host and the class path of Gyre. */
    public static CudaBackend check() {
        return check(DeviceProvider.all(), CudaBackend.class.getClassLoader(), Path.of("/"), System.getenv());
    }

    /** Whether ND4J CUDA's classes are on the class path. Does not look for devices. */
    public static boolean isOnClassPath() {
        return CudaBackend.class.getClassLoader().getResource(CLASS) != null;
    }

    static CudaBackend check(
            List<DeviceProvider> providers, ClassLoader classPath, Path root, Map<String, String> environment) {
        List<DeviceInfo> found;
        try {
            found = cudaDevices(providers);
        } catch (DeviceException e) {
            return cannot(String.valueOf(e.getMessage()));
        }
        if (classPath.getResource(CLASS) == null) {
            return cannot(
                    "ND4J CUDA is not on the class path. Build Gyre with -Pcuda, or train on the CPU (--backend cpu)");
        }
        if (classPath.getResource(NATIVES) == null) {
            return cannot(
                    "ND4J CUDA is on the class path without its native code. Add org.nd4j:nd4j-cuda-11.6 with classifier"
                            + " linux-x86_64, or train on the CPU (--backend cpu)");
        }
        List<String> missing = missingLibraries(classPath, root, environment);
        if (!missing.isEmpty()) {
            return cannot(
                    "ND4J CUDA needs CUDA 11's " + String.join(", ", missing) + ", which were not found. Install CUDA"
                            + " 11.6, add its directory to LD_LIBRARY_PATH, or train on the CPU (--backend cpu)");
        }
        List<Integer> usable = found.stream()
                .filter(CudaBackend::runsOn)
                .map(DeviceInfo::ordinal)
                .toList();
        if (usable.isEmpty()) {
            String names = found.stream()
                    .map(info -> info + " with compute capability " + info.computeCapability())
                    .collect(Collectors.joining(", "));
            return cannot(
                    "ND4J CUDA 1.0.0-M2.1 has code for compute capability 3.7 and 5.0 to 8.x (V100, T4, A100, A10, RTX 20,"
                            + " 30 and 40), and here is " + names
                            + ". Use such a GPU, or train on the CPU (--backend cpu)");
        }
        return new CudaBackend(null, usable);
    }

    private static CudaBackend cannot(String why) {
        return new CudaBackend(why, List.of());
    }

    private static List<DeviceInfo> cudaDevices(List<DeviceProvider> providers) {
        for (DeviceProvider provider : providers) {
            if (provider.name().equals("cuda")) {
                try (Devices devices = provider.open()) {
                    return devices.list();
                }
            }
        }
        throw new DeviceException(
                DeviceException.Reason.ABSENT,
                "no CUDA device was found: gyre-cuda, which looks for them, is not on the class path. Add it, or train on the CPU"
                        + " (--backend cpu)");
    }

    /** Whether ND4J CUDA has code for a GPU. */
    static boolean runsOn(DeviceInfo info) {
        boolean kepler = info.major() == 3 && info.minor() == 7;
        return kepler || (info.major() >= 5 && info.major() <= NEWEST_MAJOR);
    }

    private static List<String> missingLibraries(ClassLoader classPath, Path root, Map<String, String> environment) {
        List<Path> places = new ArrayList<>();
        Stream.of(environment.getOrDefault("LD_LIBRARY_PATH", "").split(":"))
                .filter(entry -> !entry.isEmpty())
                .forEach(entry -> places.add(Path.of(entry)));
        DIRECTORIES.forEach(directory -> places.add(root.resolve(directory)));
        return LIBRARIES.stream()
                .filter(library -> classPath.getResource(REDISTRIBUTED + library) == null)
                .filter(library -> places.stream().noneMatch(place -> Files.exists(place.resolve(library))))
                .toList();
    }
}
