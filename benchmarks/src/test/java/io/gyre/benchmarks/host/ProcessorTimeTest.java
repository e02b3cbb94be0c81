package io.gyre.benchmarks.host;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class ProcessorTimeTest {

    private static final String PROCESS = "7 (java (x) y) S 1 7 7 0 -1 4194560 1 2 3 4 %d %d %d %d 20 0 30 0 100";

    private static ProcessorTime at(String host, int user, int system, int childUser, int childSystem) {
        return ProcessorTime.parse(host, PROCESS.formatted(user, system, childUser, childSystem));
    }

    @Test
    void othersTakeWhatProgramsUseBesideThisOneAndItsChildren() {
        ProcessorTime before = at("cpu  100 10 50 1000 5 3 7 0 0 0", 20, 5, 0, 0);
        ProcessorTime after = at("cpu  160 20 70 1080 15 8 12 10 0 0", 40, 10, 25, 10);

        ProcessorTime used = after.since(before);

        // 60 user, 10 nice, 20 system, 10 stolen; of 200 with 80 idle, 10 waiting for a disk, and 10 interrupts.
        assertThat(used).isEqualTo(new ProcessorTime(60, 100, 110, 200));
        assertThat(used.othersShare()).isEqualTo(0.2);
        assertThat(used.othersShare(95)).isEqualTo(0.025);
        assertThat(used.othersShare(120)).isZero();
    }

    @Test
    void moreThanTheStatedShareIsWarnedOf() {
        assertThat(ProcessorTime.warning(null)).isEmpty();
        assertThat(ProcessorTime.warning(ProcessorTime.BUSY)).isEmpty();
        assertThat(ProcessorTime.warning(0.234))
                .startsWith(
                        "WARNING: other programs took 23 % of this host's processor time meanwhile (more than 5 %)");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void thisProcessIsNoOther() {
        ProcessorTime before = ProcessorTime.now();
        long work = 0;
        while (ProcessorTime.now().since(before).ownTicks() < 20) {
            work++;
        }

        ProcessorTime used = ProcessorTime.now().since(before);

        assertThat(work).isPositive();
        assertThat(used.othersShare(0)).isGreaterThan(used.othersShare());
        assertThat(used.usedTicks()).isPositive();
    }

    @Test
    void whereNothingIsKnownNothingIsSaid() {
        assertThat(new ProcessorTime(0, 0, 0, 0).othersShare()).isNull();
    }
}
