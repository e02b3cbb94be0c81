package io.gyre.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class StepSummaryTest {

    @Test
    void lossesAreWeightedByExamples() {
        StepSummary summary = new StepSummary(List.of(StepReport.of(32, 0.5, false), StepReport.of(16, 2, false)));

        assertThat(summary.examples()).isEqualTo(48);
        assertThat(summary.meanScore()).isEqualTo(1);
        assertThat(summary.stop()).isFalse();
    }

    @Test
    void aRankWithoutExamplesCountsForNothingWhateverItsLoss() {
        StepSummary summary = new StepSummary(List.of(StepReport.of(0, Double.NaN, true), StepReport.of(4, 3, false)));

        assertThat(summary.examples()).isEqualTo(4);
        assertThat(summary.failedScores()).isZero();
        assertThat(summary.meanScore()).isEqualTo(3);
        assertThat(summary.stop()).isTrue();
    }

    @Test
    void noExamplesHaveNoMeanLoss() {
        assertThat(StepSummary.alone(StepReport.of(0, 1, false)).meanScore()).isNaN();
    }

    @Test
    void aLossThatIsNotFiniteIsCountedAndSpoilsTheMean() {
        for (double loss : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            StepSummary summary = new StepSummary(List.of(StepReport.of(8, 1, false), StepReport.of(8, loss, false)));

            assertThat(summary.failedScores()).isEqualTo(1);
            assertThat(summary.meanScore()).isEqualTo(Double.valueOf(loss));
        }
    }
}
