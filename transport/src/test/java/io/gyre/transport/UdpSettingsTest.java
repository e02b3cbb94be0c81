package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UdpSettingsTest {

    private static final Path LARGEST = Path.of("/proc/sys/net/core/rmem_max");

    private static final int TERM_BYTES = 1 << 20;

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 8, 100})
    void whatAllOthersHaveUnderWayFitsIntoTheSocketIfTheKernelAllowsIt(int worldSize) throws IOException {
        assumeTrue(Files.exists(LARGEST), "no Linux");
        int largest = Integer.parseInt(ProcFile.read(LARGEST));
        JoinOptions options = JoinOptions.builder(0, worldSize, "127.0.0.1:4000")
                .bind("127.0.0.1")
                .build();

        UdpSettings settings = UdpSettings.of(options, TERM_BYTES);

        long underWay = (long) Math.max(1, worldSize - 1) * settings.windowBytes();
        assertThat((long) settings.receiveBufferBytes()).isEqualTo(Math.min(largest, underWay));
        assertThat(settings.windowBytes()).isBetween(1, Math.min(settings.receiveBufferBytes(), TERM_BYTES / 2));
    }
}
