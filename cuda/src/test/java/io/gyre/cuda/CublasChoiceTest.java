package io.gyre.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceStream;
import io.gyre.device.Devices;
import io.gyre.testkit.RankJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** cuBLAS is used if it was enabled, is correct and is faster; otherwise the reason is reported. */
class CublasChoiceTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** Long compared with what either implementation takes for a few elements. */
    private static final int LONG_MICROS = 4000;

    @TempDir
    Path directory;

    private String tune(int wrong, int cublasMicros, int kernelMicros) {
        FakeCublas.configure(wrong, cublasMicros);
        try (Devices devices = CudaDevices.open();
                Device device = devices.open(0)) {
            FakeDriver.slowKernels(kernelMicros);
            return ((CudaDevice) device).tuneKernels(KernelRace::fasterFrom, 64, 128);
        }
    }

    @BeforeEach
    void loadDriver() {
        FakeDriver.load(1, 0);
        FakeCublas.configure(0, 0);
    }

    @AfterEach
    void lookForLeaks() {
        assertThat(FakeCublas.handles()).isZero();
        FakeDriver.assertNothingIsLeft();
    }

    @Test
    void itIsUsedWhereItIsFaster() {
        assertThat(tune(0, 0, LONG_MICROS))
                .isEqualTo("cuBLAS 12.0 is used on device 0 (Fake GPU 0) for: sum of float32 from 64 elements; sum of"
                        + " float64 from 64 elements");
    }

    @Test
    void itIsNotUsedWhereItIsSlower() {
        assertThat(tune(0, LONG_MICROS, 0))
                .contains("sum of float32 no, it is not faster", "sum of float64 no, it is not faster")
                .doesNotContain("elements");
    }

    @Test
    void itIsNotUsedWhereItIsWrong() {
        assertThat(tune(1, 0, LONG_MICROS))
                .contains(
                        "sum of float32 no, its results are other bits",
                        "sum of float64 no, its results are other bits")
                .doesNotContain("elements");
    }

    @Test
    void nobodyUsesItWhoHasNotAskedForIt() {
        try (Devices devices = CudaDevices.open();
                Device device = devices.open(0);
                DeviceStream stream = device.stream("kernels");
                DeviceBuffer data = device.allocate("data", 2 << 20)) {
            device.kernels().sum(stream, ElementType.FLOAT32, data, 0, data, 1 << 20, 1 << 18);
            stream.await(PATIENCE, "a sum");
        }
        assertThat(FakeCublas.calls()).isZero();
    }

    /** Vectors shorter than those for which it was chosen stay with Gyre's kernels. */
    @Test
    void theLengthDecides() {
        try (Devices devices = CudaDevices.open();
                Device device = devices.open(0);
                DeviceStream stream = device.stream("kernels");
                DeviceBuffer data = device.allocate("data", 4000);
                DeviceBuffer other = device.allocate("other data", 4000)) {
            ((CudaDevice) device).tuneKernels((race, type) -> 500);
            stream.clear(data, 0, 4000);
            stream.clear(other, 0, 4000);
            long before = FakeCublas.calls();
            device.kernels().sum(stream, ElementType.FLOAT32, data, 0, other, 0, 499);
            assertThat(FakeCublas.calls()).isEqualTo(before);
            device.kernels().sum(stream, ElementType.FLOAT64, data, 0, other, 0, 499);
            assertThat(FakeCublas.calls()).isEqualTo(before);
            device.kernels().sum(stream, ElementType.FLOAT32, data, 0, other, 0, 500);
            assertThat(FakeCublas.calls()).isEqualTo(before + 1);
            device.kernels().sum(stream, ElementType.FLOAT64, data, 0, other, 0, 500);
            assertThat(FakeCublas.calls()).isEqualTo(before + 2);
            stream.await(PATIENCE, "sums");
        }
    }

    @Test
    void itHasToBeFasterAtAllLengthsFromSomeOneOn() {
        long[] lengths = {10, 20, 30};
        double[] one = {1, 1, 1};
        assertThat(KernelRace.fasterFrom(lengths, one, new double[] {0.5, 0.5, 0.5}))
                .isEqualTo(10);
        assertThat(KernelRace.fasterFrom(lengths, one, new double[] {0.5, 2, 0.5}))
                .isEqualTo(30);
        assertThat(KernelRace.fasterFrom(lengths, one, new double[] {0.5, 0.5, 0.99}))
                .isEqualTo(CublasChoice.NEVER);
        assertThat(KernelRace.fasterFrom(new long[0], new double[0], new double[0]))
                .isEqualTo(CublasChoice.NEVER);
    }

    private String answer(Map<String, String> environment, String... libraries) throws Exception {
        List<String> flags = new ArrayList<>(RankJvm.QUICK_START);
        flags.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"));
        try (RankJvm jvm = RankJvm.start(directory, flags, environment, TuneProgram.class, libraries)) {
            assertThat(jvm.awaitExit(Duration.ofMinutes(1))).as(jvm.output()).isZero();
            return jvm.output().strip().lines().reduce((first, last) -> last).orElseThrow();
        }
    }

    @Test
    void whereThereIsNoneTheReasonIsSaid() throws Exception {
        for (String place :
                List.of("/usr/local/cuda-12.0/lib64", "/usr/local/cuda/lib64", "/usr/lib/x86_64-linux-gnu")) {
            Assumptions.assumeFalse(
                    Files.exists(Path.of(place, "libcublas.so.12")), "this machine has CUDA 12's cuBLAS");
        }
        assertThat(answer(Map.of(), FakeDriver.compiled().toString()))
                .isEqualTo("cuBLAS is not used on device 0 (Fake GPU 0): there is no libcublas.so.12. Install CUDA 12's"
                        + " cuBLAS, or add its directory to LD_LIBRARY_PATH");
    }

    @Test
    void oneOfAnotherCudaIsNotUsed() throws Exception {
        String driver = FakeDriver.compiled().toString();
        // As if renamed to the name that JCublas looks for.
        Path renamed = FakeCublas.compiled(13).getParent();
        assertThat(answer(Map.of("LD_LIBRARY_PATH", renamed.toString()), driver))
                .isEqualTo(
                        "cuBLAS is not used on device 0 (Fake GPU 0): the cuBLAS that was found is not CUDA 12's, for"
                            + " which JCublas 12.6.0 is made. Put the directory of CUDA 12's libcublas.so.12 first in"
                            + " LD_LIBRARY_PATH");
        assertThat(answer(
                        Map.of("FAKE_CUBLAS_VERSION", "110901"),
                        driver,
                        FakeCublas.compiled(12).toString()))
                .startsWith(
                        "cuBLAS is not used on device 0 (Fake GPU 0): the cuBLAS that was found is version 11.9, and"
                                + " JCublas 12.6.0 is made for 12.");
    }

    @Test
    void oneThatDoesNotStartIsNotUsed() throws Exception {
        assertThat(answer(
                        Map.of("FAKE_CUBLAS_FAILS", "1"),
                        FakeDriver.compiled().toString(),
                        FakeCublas.compiled(12).toString()))
                .isEqualTo(
                        "cuBLAS is not used on device 0 (Fake GPU 0): cublasCreate on device 0 (Fake GPU 0) has failed:"
                                + " CUBLAS_STATUS_NOT_INITIALIZED");
    }

    @Test
    void aLinkersWordsAreTranslated() {
        assertThat(CublasLibrary.why("jcuda/jcublas/JCublas2"))
                .contains("add org.jcuda:jcublas:12.6.0 and its natives");
        assertThat(CublasLibrary.why("something else\nin two lines"))
                .isEqualTo("JCublas's library cannot be loaded: something else. Look at what it needs with ldd");
    }
}
