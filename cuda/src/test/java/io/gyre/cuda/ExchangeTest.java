package io.gyre.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.testkit.RankJvm;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two processes, each with a device, sum the gradients on their devices through shared host memory. */
class ExchangeTest {

    @TempDir
    Path directory;

    @Test
    void gradientsOfTwoDevicesBecomeTheSumThatTheHostComputes() throws Exception {
        String driver = FakeDriver.compiled().toString();
        List<String> flags = new ArrayList<>(RankJvm.QUICK_START);
        flags.add("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED");
        List<RankJvm> ranks = new ArrayList<>();
        try {
            for (int rank = 0; rank < 2; rank++) {
                ranks.add(RankJvm.start(
                        directory,
                        flags,
                        // Each rank has its own device; the second is slower.
                        Map.of("FAKE_CUDA_DEVICES", "2", "FAKE_CUDA_DELAY_US", String.valueOf(rank * 500)),
                        ExchangeProgram.class,
                        driver,
                        String.valueOf(rank),
                        directory.resolve("rendezvous").toString()));
            }
            for (RankJvm rank : ranks) {
                assertThat(rank.awaitExit(Duration.ofMinutes(2)))
                        .as(rank.output())
                        .isZero();
                assertThat(rank.output()).contains("equal to the host, through " + "shm");
            }
        } finally {
            ranks.forEach(RankJvm::close);
        }
    }
}
