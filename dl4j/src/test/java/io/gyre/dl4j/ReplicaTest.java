package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.memory.Region;
import io.gyre.training.Bucket;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;

class ReplicaTest {

    private static final int EXAMPLES = 4;
    private static final long BUCKET_BYTES = 4 * 300;
    private static final List<DataSet> BATCHES =
            TestData.batches(TestData.vectors(3 * EXAMPLES, DataType.FLOAT, 1), EXAMPLES);

    private final MultiLayerNetwork model = model();
    private final Replica replica = TestModels.replica(model, BUCKET_BYTES);

    private static MultiLayerNetwork model() {
        return TestModels.perceptron(
                TestModels.configuration(new Adam(0.01), DataType.FLOAT).l2(0.001));
    }

    private static StepSummary summary(double loss) {
        return StepSummary.alone(StepReport.of(EXAMPLES, loss, false));
    }

    private static void apply(Replica to, StepSummary total) {
        to.update(total);
        to.endStep(total);
    }

    @Test
    void aStepHasTheBitsOfDeeplearning4jsOwn() {
        MultiLayerNetwork plain = model();
        for (DataSet batch : BATCHES) {
            plain.fit(batch);
            apply(replica, summary(replica.backward(batch.toMultiDataSet(), null)));
        }

        Bound.assertIdentical(model.params(), plain.params());
        Bound.assertIdentical(model.updaterState(), plain.updaterState());
        assertThat(model.getIterationCount()).isEqualTo(plain.getIterationCount());
        assertThat(model.score()).isEqualTo(plain.score());
    }

    @Test
    void aReplicaWithoutExamplesTakesTheSameStep() {
        MultiLayerNetwork otherModel = model();
        Replica other = TestModels.replica(otherModel, BUCKET_BYTES);
        for (DataSet batch : BATCHES) {
            StepSummary total = summary(replica.backward(batch.toMultiDataSet(), null));
            assertThat(other.backward(null, null)).isZero();
            assertThat(other.gradientVector().norm1Number().doubleValue()).isZero();
            Region sums = replica.gradients();
            other.gradients().copyFrom(0, sums, 0, sums.byteLength());
            apply(replica, total);
            apply(other, total);
        }

        Bound.assertIdentical(otherModel.params(), model.params());
        Bound.assertIdentical(otherModel.updaterState(), model.updaterState());
        assertThat(otherModel.getIterationCount()).isEqualTo(BATCHES.size());
    }

    @Test
    void anotherGradientVectorOfTheModelIsFollowed() {
        INDArray before = model.getFlattenedGradients();
        model.initGradientsView();
        assertThat(model.getFlattenedGradients()).isNotSameAs(before);

        double loss = replica.backward(BATCHES.get(0).toMultiDataSet(), null);
        replica.gradients().putFloat(0, 7);

        assertThat(loss).isPositive();
        assertThat(model.getFlattenedGradients().getFloat(0)).isEqualTo(7);
        assertThat(replica.gradientVector().getFloat(0)).isEqualTo(7);
    }

    @Test
    void theUpdaterOutlivesAClearOfTheModel() {
        apply(replica, summary(replica.backward(BATCHES.get(0).toMultiDataSet(), null)));
        INDArray state = model.updaterState().dup();

        model.clear();
        replica.backward(BATCHES.get(1).toMultiDataSet(), null);

        Bound.assertIdentical(model.updaterState(), state);
    }

    @Test
    void gradientsThatChangeBeforeTheirReductionBreakTheSeal() {
        List<Bucket> buckets = replica.bucketPlan().buckets();
        replica.checksums().begin();
        replica.backward(BATCHES.get(0).toMultiDataSet(), null);
        buckets.forEach(bucket -> replica.complete(bucket, EXAMPLES));
        replica.gradients().putFloat(buckets.get(1).offset() * Float.BYTES, 1e9f);

        List<Boolean> whole = new ArrayList<>();
        for (Bucket bucket : buckets) {
            replica.checkUnchanged(bucket);
            whole.add(replica.checksums().areWhole());
        }

        assertThat(whole).containsExactly(true, false);
        assertThat(replica.checksums().changes(3))
                .singleElement()
                .satisfies(change -> assertThat(change.where()).contains("parameter 0_W"))
                .extracting(ChangedGradients::rank)
                .isEqualTo(3);
    }
}
