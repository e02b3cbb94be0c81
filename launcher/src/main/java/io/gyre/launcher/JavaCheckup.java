package io.gyre.launcher;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/** Checks what this JVM and its class path offer. */
final class JavaCheckup {

    /** The first JDK that warns about native code. */
    private static final int WARNS_ABOUT_NATIVES = 24;

    private static final String CPU_BACKEND = "org/nd4j/linalg/cpu/nativecpu/CpuBackend.class";
    private static final String CUDA_BACKEND = "org/nd4j/linalg/jcublas/JCublasBackend.class";
    private static final String BINDINGS = "org/nd4j/linalg/cpu/nativecpu/bindings/";

    private final ClassLoader classPath;
    private final Path root;

    /**
     * Checks a JVM.
     *
     * @param classPath where ND4J would be
     * @param root of the file system
     */
    JavaCheckup(ClassLoader classPath, Path root) {
        this.classPath = classPath;
        this.root = root;
    }

    List<Finding> findings() throws IOException {
        List<Finding> findings = new ArrayList<>();
        findings.add(
                Finding.ok("java", System.getProperty("java.version") + " (" + System.getProperty("java.home") + ")"));
        findings.add(flags(
                JvmFlags.opensUnsafe(),
                Runtime.version().feature(),
                ManagementFactory.getRuntimeMXBean().getInputArguments()));
        findings.add(backend());
        return findings;
    }

    static Finding flags(boolean opensUnsafe, int javaVersion, List<String> arguments) {
        List<String> missing = new ArrayList<>();
        for (String flag : JvmFlags.STANDARD) {
            if (flag.startsWith("--") && !flag.equals(JvmFlags.OPEN_UNSAFE) && !arguments.contains(flag)) {
                missing.add(flag);
            }
        }
        if (!opensUnsafe) {
            return Finding.problem(
                    "JVM flags", "jdk.internal.misc is closed", "start java with " + JvmFlags.OPEN_UNSAFE);
        }
        return javaVersion < WARNS_ABOUT_NATIVES || missing.isEmpty()
                ? Finding.ok("JVM flags", "all that are needed")
                : Finding.hint(
                        "JVM flags",
                        "all that are needed",
                        "this JDK warns about ND4J without " + String.join(" ", missing));
    }

    /** Looks for the backend by name, without loading it. */
    Finding backend() throws IOException {
        boolean cuda = classPath.getResource(CUDA_BACKEND) != null;
        if (classPath.getResource(CPU_BACKEND) == null) {
            return cuda
                    ? Finding.ok("ND4J backend", "nd4j-cuda")
                    : Finding.problem(
                            "ND4J backend",
                            "none on the class path",
                            "add org.nd4j:nd4j-native or org.nd4j:nd4j-cuda to it");
        }
        String backends = cuda ? "nd4j-cuda, nd4j-native" : "nd4j-native";
        Optional<String> natives = natives();
        if (natives.isEmpty()) {
            return Finding.problem(
                    "ND4J backend",
                    backends + ", without native code for " + platform(),
                    "add org.nd4j:nd4j-native again, with classifier " + platform());
        }
        String value = backends + ", " + natives.get();
        for (String feature : List.of("avx2", "avx512")) {
            if (natives.get().endsWith(feature) && !processorHas(feature)) {
                return Finding.problem(
                        "ND4J backend",
                        value,
                        "this processor has no " + feature + "; build with -Dnd4j.natives=" + platform());
            }
        }
        return Finding.ok("ND4J backend", value);
    }

    /** Loads the backend with its native code, which takes seconds and hundreds of megabytes. */
    Finding loadedBackend() {
        long start = System.nanoTime();
        try {
            Class.forName("org.nd4j.linalg.factory.Nd4j", true, classPath);
        } catch (ClassNotFoundException | LinkageError e) {
            Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
            return Finding.problem("ND4J loads", "no", cause.toString());
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        return Finding.ok("ND4J loads", String.format(Locale.ROOT, "yes, in %.1f s", seconds));
    }

    private Optional<String> natives() {
        return Stream.of("-onednn-avx512", "-onednn-avx2", "-onednn", "-avx512", "-avx2", "")
                .map(extension -> platform() + extension)
                .filter(name -> Stream.of("libnd4jcpu.so", "libnd4jcpu.dylib", "nd4jcpu.dll", "libnd4jcpu.dll")
                        .anyMatch(file -> resource(BINDINGS + name + "/" + file).isPresent()))
                .findFirst();
    }

    private Optional<URL> resource(String name) {
        return Optional.ofNullable(classPath.getResource(name));
    }

    /** JavaCPP's name of this platform, such as {@code linux-x86_64}. */
    private static String platform() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String processor = System.getProperty("os.arch");
        String name = system.startsWith("mac") ? "macosx" : system.startsWith("win") ? "windows" : system;
        return name + "-"
                + switch (processor) {
                    case "amd64" -> "x86_64";
                    case "aarch64" -> "arm64";
                    default -> processor;
                };
    }

    /** If the system does not tell, the processor is assumed to have it. */
    private boolean processorHas(String feature) throws IOException {
        Path file = root.resolve("proc/cpuinfo");
        return !Files.isReadable(file) || Files.readString(file).contains(" " + feature);
    }
}
