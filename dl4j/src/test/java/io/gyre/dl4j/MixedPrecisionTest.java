package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.allreduce.Algorithm;
import io.gyre.kernel.Bfloat16Codec;
import io.gyre.local.Gyre;
import io.gyre.session.Session;
import io.gyre.training.StepObserver;
import io.gyre.training.StepSummary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;

/** Mixed precision: the loss scale, and updates that are skipped. */
@Timeout(60)
class MixedPrecisionTest {

    private static final int RANKS = 3;
    private static final int BATCH = 4;
    private static final int STEPS_TO_RAISE = 4;
    private static final int STEPS = 20;

    @TempDir
    Path directory;

    /** What one rank sees: which steps were skipped, and its parameters after each step. */
    private static final class Seen implements StepObserver {
        private final MultiLayerNetwork model;
        private final List<Long> skipped = new ArrayList<>();
        private final List<INDArray> parameters = new ArrayList<>();

        Seen(MultiLayerNetwork model) {
            this.model = model;
        }

        @Override
        public void stepEnded(long step, StepSummary total, long bytesSent) {
            if (total.skipped()) {
                skipped.add(step);
            }
            if (total.examples() > 0) {
                parameters.add(model.params().dup());
            }
        }
    }

    private static MultiLayerNetwork model() {
        return TestModels.perceptron(TestModels.configuration(new Adam(0.001), DataType.FLOAT));
    }

    /** Gradients of about 100: the first loss scale is too large by far. */
    private static DataSet largeNumbers() {
        DataSet examples = TestData.vectors(48, DataType.FLOAT, 1);
        examples.getFeatures().muli(100);
        return examples;
    }

    private static TrainerBuilder builder(MultiLayerNetwork model, Session session) {
        return DistributedTrainer.builder(model, session)
                .algorithm(Algorithm.RING)
                .mixedPrecision(true)
                .stepsToRaise(STEPS_TO_RAISE);
    }

    private static ShardedData data(DataSet examples) {
        return ShardedData.of(ExampleSource.of(examples), BATCH, 1);
    }

    @Test
    void allRanksSkipTheUpdatesOfStepsThatOverflowAndNoOthers() throws Exception {
        List<List<Long>> skipped = Gyre.local(RANKS).call(session -> {
            MultiLayerNetwork model = model();
            INDArray before = model.params().dup();
            Seen seen = new Seen(model);
            try (DistributedTrainer trainer =
                    builder(model, session).observer(seen).build()) {
                FitReport report = trainer.fitSteps(data(largeNumbers()), STEPS);

                assertThat(report.steps()).isEqualTo(STEPS);
                assertThat(report.skippedSteps()).isEqualTo(seen.skipped.size());
                assertThat(trainer.parametersSha256OfAllRanks()).containsOnly(trainer.parametersSha256());
            }
            assertThat(model.getIterationCount()).isEqualTo(STEPS);
            for (int step = 0; step < STEPS; step++) {
                INDArray earlier = step == 0 ? before : seen.parameters.get(step - 1);
                boolean unchanged = Arrays.equals(seen.parameters.get(step).toFloatVector(), earlier.toFloatVector());
                assertThat(unchanged).as("step %d", step).isEqualTo(seen.skipped.contains((long) step));
            }
            return seen.skipped;
        });

        assertThat(skipped).containsOnly(skipped.get(0));
        // From the start until the scale fits, and after it was raised too far.
        assertThat(skipped.get(0)).startsWith(0L, 1L).hasSizeBetween(3, STEPS - 2 * STEPS_TO_RAISE);
        assertThat(skipped.get(0).get(skipped.get(0).size() - 1)).isGreaterThan(STEPS_TO_RAISE);
    }

    @Test
    void aResumedRunEndsWithTheSameBits() throws Exception {
        INDArray whole = run(directory.resolve("a"), false, STEPS).get(0);
        run(directory.resolve("b"), false, STEPS / 2);

        List<INDArray> resumed = run(directory.resolve("b"), true, STEPS);

        assertThat(resumed).allSatisfy(parameters -> Bound.assertIdentical(parameters, whole));
    }

    /** Trains up to a step. */
    private static List<INDArray> run(Path checkpoints, boolean resume, int until) throws Exception {
        return Gyre.local(RANKS).call(session -> {
            MultiLayerNetwork model = model();
            try (DistributedTrainer trainer = builder(model, session)
                    .checkpointDirectory(checkpoints)
                    .checkpointEverySteps(1)
                    .resume(resume)
                    .build()) {
                ShardedData data = data(largeNumbers());
                while (trainer.step() < until) {
                    trainer.fitSteps(data, 1);
                }
            }
            return model.params();
        });
    }

    @Test
    void aCheckpointWithoutALossScaleIsRejected() throws Exception {
        Gyre.local(1).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.builder(model(), session)
                    .checkpointDirectory(directory)
                    .build()) {
                trainer.fitSteps(data(largeNumbers()), 1);
            }
        });

        assertThatThrownBy(() -> Gyre.local(1)
                        .run(session -> builder(model(), session)
                                .checkpointDirectory(directory)
                                .resume(true)
                                .build()))
                .rootCause()
                .hasMessageContainingAll("another model", "loss scale");
    }

    @Test
    void gradientsThatAreNotFiniteAtAnyScaleEndTheRunAndNameTheRank() throws Exception {
        DataSet examples = TestData.vectors(48, DataType.FLOAT, 1);
        examples.getFeatures().putScalar(17, 3, Double.NaN);
        // Each step has all examples.
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    MultiLayerNetwork model = model();
                    try (DistributedTrainer trainer = builder(model, session).build()) {
                        trainer.fit(ShardedData.of(ExampleSource.of(examples), 24, 1), 30);
                    }
                }))
                .cause()
                .isInstanceOf(GyreException.class)
                .hasMessageContainingAll("step 16", "not finite", "rank ");
    }

    @Test
    void bf16NeedsNoScale() throws Exception {
        Gyre.local(2).run(session -> {
            MultiLayerNetwork model = model();
            try (DistributedTrainer trainer =
                    builder(model, session).compress(Bfloat16Codec::new).build()) {
                assertThat(trainer.fitSteps(data(largeNumbers()), STEPS_TO_RAISE)
                                .skippedSteps())
                        .isZero();
            }
        });
    }
}
