package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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

        int peers = Math.max(1, worldSize - 1);
        // Rounded up, since the window was rounded down.
        long window = (settings.windowBytes() + 1L) * JoinOptions.MAX_MTU / settings.mtu();
        assertThat((long) settings.receiveBufferBytes())
                .isBetween(Math.min(largest, peers * (window - 1)), Math.min(largest, peers * window));
        assertThat(settings.windowBytes()).isBetween(1, Math.min(settings.receiveBufferBytes(), TERM_BYTES / 2));
    }

    /** What sealing adds is taken from what Aeron may send. */
    @ParameterizedTest(name = "mtu {0}, trusted {1}")
    @CsvSource({"0, true, 65504", "0, false, 65472", "1408, true, 1408", "1408, false, 1376", "256, false, 224"})
    void aDatagramIsNoLongerThanTheOptionSays(int mtu, boolean trusted, int aeron) {
        JoinOptions options = JoinOptions.builder(0, 2, "127.0.0.1:4000")
                .bind("127.0.0.1")
                .mtu(mtu)
                .trustedNetwork(trusted)
                .build();

        UdpSettings settings = UdpSettings.of(options, TERM_BYTES);

        assertThat(settings.mtu()).isEqualTo(aeron);
        assertThat(settings.sealed()).isEqualTo(!trusted);
        assertThat(settings.windowBytes()).isGreaterThanOrEqualTo(settings.mtu());
    }
}
