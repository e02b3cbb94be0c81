package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.gyre.PeerLostException;
import io.gyre.local.Gyre;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class MeetingPointTest {

    /** On a host with many busy processes a yield takes tens of milliseconds: a thousand would hide a loss for long. */
    @ParameterizedTest
    @CsvSource({"true, 1", "false, " + MeetingPoint.YIELDS})
    void aWaitLooksAtItsPeersAfterOneYieldThatTakesLong(boolean takesLong, int expected) throws Exception {
        AtomicInteger yields = new AtomicInteger();

        Gyre.local(2).run(session -> {
            try (MeetingPoint meeting = new MeetingPoint(session.endpoint(), () -> {
                yields.incrementAndGet();
                return takesLong;
            })) {
                if (session.world().rank() == 1) {
                    // Leaves without a meeting.
                    return;
                }
                meeting.enter();
                meeting.start("test", 0, 0);
                meeting.begin(MeetingPoint.Call.BARRIER, null, null, 0, 0, 0);
                assertThatExceptionOfType(PeerLostException.class)
                        .isThrownBy(meeting::awaitBegun)
                        .withMessageContaining("rank 1");
                meeting.exit();
            }
        });

        assertThat(yields).hasValue(expected);
    }
}
