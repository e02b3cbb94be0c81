package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.transport.Rejections.Reason;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RejectionsTest {

    private static final InetSocketAddress FROM = new InetSocketAddress(InetAddress.getLoopbackAddress(), 4_000);

    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5);
    private final Rejections rejections = new Rejections(() -> 3, now::get);

    @Test
    void eachReasonIsCountedForItself() {
        for (Reason reason : Reason.values()) {
            rejections.count(reason, FROM);
            assertThat(rejections.of(reason)).isOne();
        }
        rejections.count(Reason.FORGED, FROM);

        assertThat(rejections.of(Reason.FORGED)).isEqualTo(2);
        assertThat(rejections.of(Reason.REPLAYED)).isOne();
    }

    @Test
    void aFloodIsReportedOnceInAWhile() {
        assertThat(rejections.count(Reason.FORGED, FROM)).as("the first").isTrue();
        int warnings = 0;
        for (int i = 0; i < 1_000; i++) {
            now.addAndGet(Rejections.PAUSE.toNanos() / 100);
            warnings += rejections.count(i % 2 == 0 ? Reason.FORGED : Reason.SHORT, FROM) ? 1 : 0;
        }

        assertThat(warnings).isEqualTo(10);
    }

    @Test
    void whatAChangeOfKeyLeavesBehindIsNotReported() {
        assertThat(rejections.count(Reason.EARLIER, FROM)).isFalse();
        assertThat(rejections.count(Reason.LATER, FROM)).isFalse();
        assertThat(rejections.count(Reason.STRANGE, FROM)).isTrue();
    }
}
