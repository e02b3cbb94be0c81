package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.Sgd;

class GradientViewsTest {

    /** Of 4 channels: running means and variances. */
    private static final int BATCH_NORM_MEANS = 2 * 4;

    private final Network network =
            Network.of(TestModels.convolutional(TestModels.configuration(new Sgd(0.1), DataType.FLOAT), true));

    private GradientViews views(long bucketElements) {
        return GradientViews.of(network, new ModelLayout(network).bucketPlan(bucketElements * Float.BYTES));
    }

    @Test
    void everyElementIsInASumOrInAMean() {
        GradientViews views = views(1 << 20);

        long sums = views.sums().stream().mapToLong(INDArray::length).sum();
        long means =
                views.means().stream().mapToLong(mean -> mean.array().length()).sum();

        assertThat(means).isEqualTo(BATCH_NORM_MEANS);
        assertThat(sums + means).isEqualTo(views.vector().length());
    }

    @Test
    void earlierContentsAreCleared() {
        network.gradients().assign(3);

        assertThat(views(1 << 20).vector().norm1Number().doubleValue()).isZero();
    }

    @Test
    void aMeanIsWithinOneBucket() {
        long bucketElements = 3;
        BucketPlan plan = new ModelLayout(network).bucketPlan(bucketElements * Float.BYTES);

        for (GradientViews.Mean mean : views(bucketElements).means()) {
            Bucket bucket = plan.buckets().get(mean.bucket());
            assertThat(mean.offset()).isGreaterThanOrEqualTo(bucket.offset());
            assertThat(mean.offset() + mean.array().length()).isLessThanOrEqualTo(bucket.offset() + bucket.length());
        }
    }

    @Test
    void meansAreWeightedByExamplesForTheReductionOnly() {
        GradientViews views = views(1 << 20);
        views.vector().assign(1);

        new ModelLayout(network).bucketPlan(1 << 22).buckets().forEach(bucket -> views.sumMeans(bucket, 6));
        assertThat(views.means())
                .allSatisfy(mean ->
                        assertThat(mean.array().minNumber().doubleValue()).isEqualTo(6));
        assertThat(views.sums())
                .allSatisfy(sum -> assertThat(sum.maxNumber().doubleValue()).isEqualTo(1));

        views.restoreMeans(6);
        assertThat(views.flat().minNumber().doubleValue()).isEqualTo(1);
        assertThat(views.flat().maxNumber().doubleValue()).isEqualTo(1);
    }
}
