package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StalenessHistogramTest {

    /** The result of counting these pushes one by one. */
    static StalenessHistogram of(long... staleness) {
        StalenessCounter counter = new StalenessCounter();
        for (long each : staleness) {
            counter.count(each);
        }
        return counter.histogram();
    }

    @Test
    void itCountsAndRemembersTheWorst() {
        StalenessHistogram histogram = of(0, 2, 2, 100);

        assertThat(histogram.pushes()).isEqualTo(4);
        assertThat(histogram.max()).isEqualTo(100);
        assertThat(histogram.mean()).isEqualTo(26);
        assertThat(histogram).hasToString("staleness of 4 pushes (0: 1, 2: 2, 31 or more: 1)");
    }

    @Test
    void thoseOfSeveralServersAddUp() {
        assertThat(of(1).plus(of(1, 3))).isEqualTo(of(1, 1, 3));
    }

    @Test
    void withoutPushesItsMeanIsZero() {
        assertThat(StalenessHistogram.EMPTY.mean()).isZero();
    }
}
