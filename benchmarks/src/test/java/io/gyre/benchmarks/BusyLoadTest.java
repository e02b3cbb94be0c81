package io.gyre.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.benchmarks.host.ProcessorTime;
import io.gyre.testkit.Eventually;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class BusyLoadTest {

    private static final Duration ENOUGH = Duration.ofMillis(300);

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    /** Clock ticks of Linux. */
    private static final int TICKS_PER_SECOND = 100;

    @Test
    void whatItTookIsOursOnceItHasEnded() throws Exception {
        ProcessorTime before = ProcessorTime.now();
        Duration ownBefore = ownTime();
        try (BusyLoad load = new BusyLoad()) {
            load.start(1);
            Eventually.that(
                    "the busy process has computed for " + ENOUGH,
                    PATIENCE,
                    () -> ProcessHandle.current()
                            .children()
                            .anyMatch(child -> timeOf(child).compareTo(ENOUGH) > 0));
        }

        long ofThisJvm = ownTime().minus(ownBefore).toMillis() * TICKS_PER_SECOND / 1000;
        long ofLoad = ProcessorTime.now().since(before).ownTicks() - ofThisJvm;
        assertThat(ofLoad).isGreaterThan(ENOUGH.toMillis() * TICKS_PER_SECOND / 1000 / 2);
    }

    private static Duration ownTime() {
        return timeOf(ProcessHandle.current());
    }

    private static Duration timeOf(ProcessHandle process) {
        return process.info().totalCpuDuration().orElse(Duration.ZERO);
    }
}
