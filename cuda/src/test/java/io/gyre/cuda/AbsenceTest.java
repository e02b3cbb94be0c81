package io.gyre.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.testkit.RankJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Without a GPU there is one line of output, and no crash. */
class AbsenceTest {

    @TempDir
    Path directory;

    /** JDK 25 would print a warning about native libraries before the line. */
    private static final List<String> FLAGS = Stream.concat(
                    RankJvm.QUICK_START.stream(), Stream.of("--enable-native-access=ALL-UNNAMED"))
            .toList();

    private String answer(Map<String, String> environment, String... arguments) throws Exception {
        try (RankJvm jvm = RankJvm.start(directory, FLAGS, environment, AbsenceProgram.class, arguments)) {
            assertThat(jvm.awaitExit(Duration.ofMinutes(1))).as(jvm.output()).isZero();
            return jvm.output().strip();
        }
    }

    @Test
    void withoutADriver() throws Exception {
        for (String place : List.of("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib/wsl/lib")) {
            Assumptions.assumeFalse(Files.exists(Path.of(place, "libcuda.so.1")), "this machine has a CUDA driver");
        }
        assertThat(answer(Map.of()))
                .isEqualTo(
                        "ABSENT no CUDA device was found: there is no libcuda.so.1. Install NVIDIA's driver, or train on the"
                                + " CPU (--backend cpu)");
    }

    @Test
    void withADriverAndNoDevice() throws Exception {
        String driver = FakeDriver.compiled().toString();
        assertThat(answer(Map.of("FAKE_CUDA_DEVICES", "0", "CUDA_VISIBLE_DEVICES", "7"), driver))
                .isEqualTo(
                        "ABSENT no CUDA device was found: the driver reports CUDA_ERROR_NO_DEVICE, with CUDA_VISIBLE_DEVICES=7."
                                + " Look at nvidia-smi, or train on the CPU (--backend cpu)");
    }
}
