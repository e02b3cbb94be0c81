package io.gyre.samples.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ShardedData;
import io.gyre.local.Gyre;
import io.gyre.samples.data.DrawnDigits;
import io.gyre.samples.data.ImageExamples;
import io.gyre.samples.data.ImageSet;
import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** LeNet with Adam and a global batch of 64, as {@code gyre train lenet -n 4} trains it. */
class LeNetOnRanksTest {

    private static final int GLOBAL_BATCH = 64;
    private static final int STEPS = 5;

    /**
     * Adam's maximum amplification of a rounding error: it divides a gradient by the gradient's usual magnitude plus
     * epsilon; if that magnitude is zero, a change of the gradient changes the step by learning rate / epsilon times as
     * much.
     */
    private static final double ADAM_GAIN = 2e-3 / 1e-8;

    private final ImageSet digits = DrawnDigits.of(1);

    /**
     * In single precision Adam amplifies rounding errors of nearly zero gradients arbitrarily, so only equal rounding
     * is compared.
     */
    @Test
    void oneRankThatTakesItsBatchInFourPartsHasTheBitsOfFourRanks() throws Exception {
        assertThat(parameters(1, 4).get(0)).isEqualTo(parameters(4, 1).get(0));
    }

    @Test
    void inDoublePrecisionTheyEndCloserThanAFloatCanTell() throws Exception {
        endsTogetherInDouble(STEPS);
    }

    /** In double precision the difference remains rounding error to the end of the training. */
    @Tag("long")
    @Test
    void inDoublePrecisionTheWholeTrainingDoes() throws Exception {
        endsTogetherInDouble(375);
    }

    private void endsTogetherInDouble(int steps) throws InterruptedException {
        double[] one = parametersInDouble(1, steps).get(0);
        List<double[]> four = parametersInDouble(4, steps);

        assertThat(four).allSatisfy(ofRank -> assertThat(ofRank).isEqualTo(four.get(0)));
        assertThat(largestDifference(four.get(0), one)).isLessThanOrEqualTo(steps * 16 * Math.ulp(1.0) * ADAM_GAIN);
    }

    private List<double[]> parametersInDouble(int ranks, int steps) throws InterruptedException {
        return Gyre.local(ranks).call(session -> {
            Model model = SampleModel.LENET.buildInDouble(digits.input(), digits.choices(), 1);
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fitSteps(ShardedData.of(ImageExamples.train(digits), GLOBAL_BATCH / ranks, 1), steps);
            }
            return model.params().toDoubleVector();
        });
    }

    private List<float[]> parameters(int ranks, int microBatches) throws InterruptedException {
        return Gyre.local(ranks).call(session -> {
            Model model = SampleModel.LENET.build(digits.input(), digits.choices(), 1);
            try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                    .microBatches(microBatches)
                    .build()) {
                trainer.fitSteps(ShardedData.of(ImageExamples.train(digits), GLOBAL_BATCH / ranks, 1), STEPS);
            }
            return model.params().toFloatVector();
        });
    }

    /** NaN if there is one. */
    private static double largestDifference(double[] a, double[] b) {
        assertThat(a).hasSameSizeAs(b);
        double largest = 0;
        for (int i = 0; i < a.length; i++) {
            largest = Math.max(largest, Math.abs(a[i] - b[i]));
        }
        return largest;
    }
}
