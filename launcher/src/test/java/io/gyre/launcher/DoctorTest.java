package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.launcher.Finding.Verdict;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The doctor on this host, and on hosts simulated by a few files. */
class DoctorTest {

    private static final String CPU = "org/nd4j/linalg/cpu/nativecpu/";

    @TempDir
    private Path root;

    private void write(String file, String text) throws IOException {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private Finding backend() throws IOException {
        try (URLClassLoader classPath =
                new URLClassLoader(new URL[] {root.toUri().toURL()}, null)) {
            return new JavaCheckup(classPath, root).backend();
        }
    }

    private static String platform() {
        return System.getProperty("os.arch").equals("aarch64") ? "linux-arm64" : "linux-x86_64";
    }

    @Test
    void thisHostIsReportedOnTheScreenAndInAFile() throws Exception {
        Path report = root.resolve("report.json");
        StringWriter screen = new StringWriter();

        // There is no ND4J on this module's class path, and without it nothing trains.
        assertThat(GyreCommandLine.of(new GyreMain())
                        .setOut(new PrintWriter(screen))
                        .execute("doctor", "--report", report.toString()))
                .isEqualTo(1);

        assertThat(screen.toString())
                .contains("cores", "memory", "/dev/shm", "open files", "MTU", "java", "GPU")
                .containsPattern("OK +JVM flags +all that are needed")
                .containsPattern("PROBLEM +ND4J backend +none on the class path: add org.nd4j:nd4j-native");
        JsonNode json = new ObjectMapper().readTree(report.toFile());
        assertThat(json.get("can_train").asBoolean(true)).isFalse();
        assertThat(json.get("findings").findValuesAsText("name")).contains("cores", "JVM flags", "ND4J backend", "GPU");
        JsonNode cores = json.get("findings")
                .get(json.get("findings").findValuesAsText("name").indexOf("cores"));
        assertThat(cores.get("value").asText())
                .isEqualTo(String.valueOf(Runtime.getRuntime().availableProcessors()));
        assertThat(cores.get("verdict").asText()).isEqualTo("ok");
        assertThat(cores.get("advice").isNull()).isTrue();
    }

    @Test
    void aReportThatCannotBeWrittenIsOneLine() {
        StringWriter err = new StringWriter();

        assertThat(GyreCommandLine.of(new GyreMain())
                        .setOut(new PrintWriter(new StringWriter()))
                        .setErr(new PrintWriter(err, true))
                        .execute(
                                "doctor",
                                "--report",
                                root.resolve("missing/report.json").toString()))
                .isEqualTo(1);

        assertThat(err.toString().strip()).contains("missing/report.json").doesNotContain("\n");
    }

    @Test
    void aClosedPackageIsAProblemAnsweredWithTheFlag() {
        Finding finding = JavaCheckup.flags(false, 17, List.of());

        assertThat(finding.verdict()).isEqualTo(Verdict.PROBLEM);
        assertThat(finding.advice()).isEqualTo("start java with " + JvmFlags.OPEN_UNSAFE);
    }

    @Test
    void aJdkThatWarnsAboutNativesGetsAHint() {
        assertThat(JavaCheckup.flags(true, 25, List.of()).verdict()).isEqualTo(Verdict.HINT);
        assertThat(JavaCheckup.flags(true, 25, JvmFlags.STANDARD).verdict()).isEqualTo(Verdict.OK);
        assertThat(JavaCheckup.flags(true, 17, List.of()).verdict()).isEqualTo(Verdict.OK);
    }

    @Test
    void aBackendIsFoundByNameWithItsNatives() throws Exception {
        write(CPU + "CpuBackend.class", "");
        write(CPU + "bindings/" + platform() + "-onednn-avx2/libnd4jcpu.so", "");
        write("proc/cpuinfo", "flags\t\t: fpu avx avx2 sse\n");

        assertThat(backend()).isEqualTo(Finding.ok("ND4J backend", "nd4j-native, " + platform() + "-onednn-avx2"));
    }

    @Test
    void bothBackendsAreNamedWhereBothAre() throws Exception {
        write("org/nd4j/linalg/jcublas/JCublasBackend.class", "");
        assertThat(backend()).isEqualTo(Finding.ok("ND4J backend", "nd4j-cuda"));

        write(CPU + "CpuBackend.class", "");
        write(CPU + "bindings/" + platform() + "/libnd4jcpu.so", "");

        assertThat(backend()).isEqualTo(Finding.ok("ND4J backend", "nd4j-cuda, nd4j-native, " + platform()));
    }

    @Test
    void nativesThatTheProcessorDoesNotUnderstandAreAProblem() throws Exception {
        write(CPU + "CpuBackend.class", "");
        write(CPU + "bindings/" + platform() + "-onednn-avx2/libnd4jcpu.so", "");
        write("proc/cpuinfo", "flags\t\t: fpu sse\n");

        assertThat(backend().verdict()).isEqualTo(Verdict.PROBLEM);
        assertThat(backend().advice()).contains("no avx2").contains("-Dnd4j.natives=" + platform());
    }

    @Test
    void aBackendWithoutNativesForThisSystemIsAProblem() throws Exception {
        write(CPU + "CpuBackend.class", "");

        assertThat(backend().verdict()).isEqualTo(Verdict.PROBLEM);
        assertThat(backend().advice()).contains("classifier " + platform());
    }

    @Test
    void aBackendThatDoesNotLoadIsAProblem() throws Exception {
        try (URLClassLoader classPath =
                new URLClassLoader(new URL[] {root.toUri().toURL()}, null)) {
            assertThat(new JavaCheckup(classPath, root).loadedBackend().verdict())
                    .isEqualTo(Verdict.PROBLEM);
        }
    }

    @Test
    void smallSocketBuffersGetTheCommandThatRaisesThem() throws Exception {
        write("proc/sys/net/core/rmem_max", "212992\n");

        assertThat(new HostCheckup(root).socketBuffer("receive buffer", "net.core.rmem_max"))
                .hasValueSatisfying(finding -> {
                    assertThat(finding.verdict()).isEqualTo(Verdict.HINT);
                    assertThat(finding.advice()).contains("sysctl -w net.core.rmem_max=2097152");
                });
    }

    @Test
    void settingsOfTheKernelAreReadInFull() throws Exception {
        Process cat = new ProcessBuilder("cat", "/proc/sys/net/core/rmem_max").start();
        long bytes = Long.parseLong(new String(cat.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip());
        String expected = String.format(Locale.ROOT, "%.1f MiB", bytes / 1048576.0);

        assertThat(new HostCheckup(Path.of("/")).socketBuffer("receive buffer", "net.core.rmem_max"))
                .map(Finding::value)
                .contains(expected);
    }

    @Test
    void littleMemoryGetsAHint() throws Exception {
        write("proc/meminfo", "MemTotal: 99999999 kB\nMemAvailable:     524288 kB\n");

        assertThat(new HostCheckup(root).memory().verdict()).isEqualTo(Verdict.HINT);
        assertThat(new HostCheckup(root).memory().value()).contains("512.0 MiB available");
    }

    @Test
    void aHostWithoutSharedMemoryGetsAHint() throws Exception {
        assertThat(new HostCheckup(root).sharedMemory().verdict()).isEqualTo(Verdict.HINT);
    }

    @Test
    void gpusAreNamed() throws Exception {
        assertThat(new GpuCheckup(root).finding()).isEqualTo(Finding.ok("GPU", "none"));

        write("proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA H100\nIRQ: 5\n");
        assertThat(new GpuCheckup(root).finding().verdict()).isEqualTo(Verdict.HINT);

        write("usr/lib/x86_64-linux-gnu/libcuda.so.1", "");
        assertThat(new GpuCheckup(root).finding()).isEqualTo(Finding.ok("GPU", "NVIDIA H100"));
    }
}
