package io.gyre;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StepSummaryTest {

    @Test
    void aRankCountsItsExamplesAndWeighsItsLoss() {
        StepSummary own = StepSummary.ofRank(32, 0.5, false);

        assertThat(own).isEqualTo(new StepSummary(32, 16, 1, 0, 0));
        assertThat(own.meanScore()).isEqualTo(0.5);
    }

    @Test
    void aRankWithoutDataBringsNothingWhateverItsLoss() {
        assertThat(StepSummary.ofRank(0, Double.NaN, true)).isEqualTo(new StepSummary(0, 0, 0, 1, 0));
        assertThat(StepSummary.ofRank(0, 1, false).meanScore()).isNaN();
    }

    @Test
    void aLossThatIsNotFiniteIsCountedAndSpoilsTheMeanOnly() {
        for (double loss : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            StepSummary own = StepSummary.ofRank(8, loss, false);
            assertThat(own).isEqualTo(new StepSummary(8, 0, 1, 0, 1));
            assertThat(own.meanScore()).isNaN();
        }
    }
}
