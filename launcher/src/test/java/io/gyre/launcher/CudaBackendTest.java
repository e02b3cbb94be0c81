package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.device.Device;
import io.gyre.device.DeviceException;
import io.gyre.device.DeviceInfo;
import io.gyre.device.DeviceProvider;
import io.gyre.device.Devices;
import io.gyre.device.HostDevices;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whether ND4J CUDA can run, on hosts simulated by a few files and GPUs given as text. */
class CudaBackendTest {

    @TempDir
    private Path root;

    /** Described GPUs that can be opened as host memory. */
    private record Gpus(List<DeviceInfo> list) implements DeviceProvider, Devices {
        @Override
        public String name() {
            return "cuda";
        }

        @Override
        public Devices open() {
            return this;
        }

        @Override
        public boolean peerAccess(int from, int to) {
            return from != to;
        }

        @Override
        public Device open(int ordinal) {
            return new HostDevices(list.size()).open(ordinal);
        }

        @Override
        public void close() {
            // There is nothing to release.
        }
    }

    private record None() implements DeviceProvider {
        @Override
        public String name() {
            return "cuda";
        }

        @Override
        public Devices open() {
            throw new DeviceException(
                    DeviceException.Reason.ABSENT, "no CUDA device was found: there is no libcuda.so.1");
        }
    }

    private static Gpus gpus(String... capabilities) {
        List<DeviceInfo> infos = new java.util.ArrayList<>();
        for (String capability : capabilities) {
            String[] parts = capability.split("\\.", -1);
            infos.add(new DeviceInfo(
                    infos.size(), "GPU", Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), 16L << 30));
        }
        return new Gpus(infos);
    }

    private CudaBackend check(DeviceProvider provider) throws IOException {
        try (URLClassLoader classPath =
                new URLClassLoader(new URL[] {root.toUri().toURL()}, null)) {
            return CudaBackend.check(
                    List.of(provider),
                    classPath,
                    root,
                    Map.of("LD_LIBRARY_PATH", root.resolve("libs").toString()));
        }
    }

    private void write(String file) throws IOException {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, "");
    }

    private void writeAll() throws IOException {
        write("org/nd4j/linalg/jcublas/JCublasBackend.class");
        write("org/nd4j/linalg/jcublas/bindings/linux-x86_64/libnd4jcuda.so");
        write("libs/libcudart.so.11.0");
        write("usr/local/cuda/lib64/libcublas.so.11");
        write("org/bytedeco/cuda/linux-x86_64/libcusolver.so.11");
    }

    @Test
    void whatIsMissingIsNamedStepByStep() throws Exception {
        assertThat(check(new None()).problem()).startsWith("no CUDA device was found: there is no libcuda.so.1");
        assertThat(check(gpus("8.6")).problem())
                .isEqualTo(
                        "ND4J CUDA is not on the class path. Build Gyre with -Pcuda, or train on the CPU (--backend cpu)");
        write("org/nd4j/linalg/jcublas/JCublasBackend.class");
        assertThat(check(gpus("8.6")).problem()).contains("without its native code", "classifier linux-x86_64");
        write("org/nd4j/linalg/jcublas/bindings/linux-x86_64/libnd4jcuda.so");
        assertThat(check(gpus("8.6")).problem()).contains("libcudart.so.11.0, libcublas.so.11, libcusolver.so.11");
        writeAll();
        assertThat(check(gpus("8.6"))).isEqualTo(new CudaBackend(null, List.of(0)));
    }

    @Test
    void aHopperIsRefusedBeforeNd4jFailsOnIt() throws Exception {
        writeAll();
        assertThat(check(gpus("9.0")).problem())
                .contains("device 0 (GPU) with compute capability 9.0", "A100", "--backend cpu");
        assertThat(check(gpus("9.0", "8.0", "7.5")).devices()).containsExactly(1, 2);
    }

    @ParameterizedTest
    @CsvSource({
        "3.5, false",
        "3.7, true",
        "5.0, true",
        "6.1, true",
        "7.5, true",
        "8.9, true",
        "9.0, false",
        "12.0, false"
    })
    void thereIsCodeForSomeGpus(String capability, boolean expected) {
        assertThat(CudaBackend.runsOn(gpus(capability).list().get(0))).isEqualTo(expected);
    }

    @Test
    void theDoctorDescribesEachGpu() throws Exception {
        assertThat(new GpuCheckup(root).findings(List.of(gpus("8.6", "9.0"))))
                .extracting(Finding::toString)
                .satisfiesExactly(
                        first -> assertThat(first)
                                .startsWith("OK      GPU 0")
                                .contains(
                                        "compute capability 8.6, 16384 MiB",
                                        "MiB free",
                                        "reaches GPU 1",
                                        "ND4J CUDA has code for it"),
                        second -> assertThat(second).contains("reaches GPU 0", "ND4J CUDA has no code for it"));
        assertThat(new GpuCheckup(root).findings(List.of(new None())))
                .extracting(Finding::value)
                .containsExactly("none");
    }

    @Test
    void eachRankSeesOneGpu() {
        List<String> two = List.of("3", "GPU-5");
        assertThat(RankEnvironment.device(new Placement(0, 3, "a", true, 0, 3), two))
                .isEqualTo(Map.of("CUDA_VISIBLE_DEVICES", "3", "GYRE_RANKS_ON_DEVICE", "2"));
        assertThat(RankEnvironment.device(new Placement(1, 3, "a", true, 1, 3), two))
                .isEqualTo(Map.of("CUDA_VISIBLE_DEVICES", "GPU-5", "GYRE_RANKS_ON_DEVICE", "1"));
        assertThat(RankEnvironment.device(new Placement(2, 3, "a", true, 2, 3), two))
                .isEqualTo(Map.of("CUDA_VISIBLE_DEVICES", "3", "GYRE_RANKS_ON_DEVICE", "2"));
        assertThat(RankEnvironment.device(new Placement(0, 1, "a", true, 0, 1), List.of()))
                .isEmpty();
    }
}
