package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.saver.InMemoryModelSaver;
import org.deeplearning4j.earlystopping.termination.MaxScoreIterationTerminationCondition;
import org.deeplearning4j.earlystopping.termination.MaxTimeIterationTerminationCondition;
import org.deeplearning4j.earlystopping.termination.ScoreImprovementEpochTerminationCondition;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;

/** What a process knows that takes rank 0 over. */
class EarlyStoppingRootTest {

    private static final MultiLayerNetwork MODEL = DistributedEarlyStoppingTest.perceptron();

    private double score;

    private EarlyStoppingRoot<MultiLayerNetwork> root(EarlyStoppingConfiguration.Builder<MultiLayerNetwork> builder) {
        return new EarlyStoppingRoot<>(
                builder.scoreCalculator(new DistributedEarlyStoppingTest.Scores(() -> score))
                        .modelSaver(new InMemoryModelSaver<>())
                        .build(),
                MODEL);
    }

    private static EarlyStoppingConfiguration.Builder<MultiLayerNetwork> untilItGetsWorse() {
        return new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                .epochTerminationConditions(new ScoreImprovementEpochTerminationCondition(1));
    }

    @Test
    void itsClockBeginsWithTheRunAndOnlyRankZeroLooksAtIt() {
        EarlyStoppingRoot<MultiLayerNetwork> root = root(new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                .iterationTerminationConditions(
                        new MaxScoreIterationTerminationCondition(5),
                        new MaxTimeIterationTerminationCondition(1, TimeUnit.HOURS)));
        long now = System.currentTimeMillis();

        root.followBeginning(String.valueOf(now));
        assertThat(root.endsAfterStep(1)).isFalse();
        assertThat(root.timeOver()).isEmpty();
        root.followBeginning(String.valueOf(now - TimeUnit.HOURS.toMillis(1)));
        assertThat(root.endsAfterStep(1, false)).isFalse();
        assertThat(root.timeOver()).contains("MaxTime");
        assertThat(root.endsAfterStep(1)).isTrue();
        assertThat(root.met()).contains("MaxTime");
    }

    @Test
    void itKnowsTheEpochsThatAnotherHasJudged() {
        EarlyStoppingRoot<MultiLayerNetwork> first = root(untilItGetsWorse());
        EarlyStoppingRoot<MultiLayerNetwork> second = root(untilItGetsWorse());
        second.followBeginning(first.begin());
        score = 3;
        EarlyStoppingVerdict best = first.afterPass(0, false, "");
        assertThat(best.best()).isTrue();
        second.follow(0, best);
        assertThat(second.lacksBest()).isTrue();
        score = 4;
        second.follow(1, first.afterPass(1, false, ""));

        EarlyStoppingVerdict last = second.afterPass(2, false, "");

        assertThat(last.best()).isFalse();
        assertThat(last.details()).contains("ScoreImprovement");
        second.saveBest(MODEL);
        assertThat(second.lacksBest()).isFalse();
    }

    @Test
    void aVerdictThatNotAllHaveHeardIsGivenAgain() {
        EarlyStoppingRoot<MultiLayerNetwork> root = root(untilItGetsWorse());
        root.followBeginning(root.begin());
        score = 3;
        EarlyStoppingVerdict first = root.afterPass(0, false, "");

        assertThat(root.afterPass(0, false, "")).isEqualTo(first);
        assertThat(root.lacksBest()).isFalse();
        root.follow(0, first);
        score = 2;
        assertThat(root.afterPass(1, false, "").best()).isTrue();
    }
}
