package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StalenessHistogramTest {

    @Test
    void itCountsAndRemembersTheWorst() {
        StalenessHistogram histogram =
                StalenessHistogram.EMPTY.plus(0).plus(2).plus(2).plus(100);

        assertThat(histogram.pushes()).isEqualTo(4);
        assertThat(histogram.max()).isEqualTo(100);
        assertThat(histogram.mean()).isEqualTo(26);
        assertThat(histogram).hasToString("staleness of 4 pushes (0: 1, 2: 2, 31 or more: 1)");
    }

    @Test
    void thoseOfSeveralServersAddUp() {
        StalenessHistogram one = StalenessHistogram.EMPTY.plus(1);
        StalenessHistogram other = StalenessHistogram.EMPTY.plus(1).plus(3);

        assertThat(one.plus(other))
                .isEqualTo(StalenessHistogram.EMPTY.plus(1).plus(1).plus(3));
    }

    @Test
    void itTravelsAsText() {
        StalenessHistogram histogram = StalenessHistogram.EMPTY.plus(4).plus(40);

        assertThat(StalenessHistogram.parse(histogram.text())).isEqualTo(histogram);
    }

    @Test
    void withoutPushesItsMeanIsZero() {
        assertThat(StalenessHistogram.EMPTY.mean()).isZero();
    }
}
