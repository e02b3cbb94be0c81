package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.transport.Rejections.Reason;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;

/** Three processes of a run: rank 0 seals, and rank 1 opens or drops. */
abstract class SealingPeers {

    /** Channel endpoints of rank 0 in these tests. */
    static final int ENDPOINT = 5;

    static final byte[] TEXT = "what Aeron sends, in the clear".getBytes(StandardCharsets.UTF_8);

    final List<SealingPeer> processes = new ArrayList<>();

    @BeforeEach
    void start() {
        processes.addAll(SealingPeer.run(SealingPeer.RUN, 1));
    }

    byte[] sealed(long counter) {
        return processes.get(0).seal(1, ENDPOINT, counter, TEXT);
    }

    byte[] open(byte[] datagram) {
        return processes.get(1).open(datagram, SealingPeer.source(ENDPOINT));
    }

    void assertDropped(byte[] datagram, Reason reason) {
        long before = processes.get(1).dropped(reason);
        assertThat(open(datagram)).isEmpty();
        assertThat(processes.get(1).dropped(reason)).as("dropped as %s", reason).isEqualTo(before + 1);
    }
}
