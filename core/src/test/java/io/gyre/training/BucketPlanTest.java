package io.gyre.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BucketPlanTest {

    @Test
    void theLastLayersComeFirst() {
        BucketPlan plan = BucketPlan.of(List.of(10L, 20L, 30L, 40L), 70);

        assertThat(plan.elements()).isEqualTo(100);
        assertThat(plan.buckets()).containsExactly(new Bucket(0, 30, 70), new Bucket(1, 0, 30));
    }

    @Test
    void aBucketEndsAtALayersBorder() {
        BucketPlan plan = BucketPlan.of(List.of(10L, 20L, 30L, 40L), 69);

        assertThat(plan.buckets()).containsExactly(new Bucket(0, 60, 40), new Bucket(1, 0, 60));
    }

    @Test
    void aLayerLargerThanABucketIsCutAndItsRestSharesABucketWithTheLayersBefore() {
        BucketPlan plan = BucketPlan.of(List.of(5L, 25L, 3L), 10);

        assertThat(plan.buckets())
                .containsExactly(
                        new Bucket(0, 30, 3), new Bucket(1, 20, 10), new Bucket(2, 10, 10), new Bucket(3, 0, 10));
    }

    @Test
    void layersWithoutParametersChangeNothing() {
        assertThat(BucketPlan.of(List.of(0L, 10L, 0L, 0L, 20L, 0L), 25))
                .isEqualTo(BucketPlan.of(List.of(10L, 20L), 25));
        assertThat(BucketPlan.of(List.of(), 25).buckets()).isEmpty();
        assertThat(BucketPlan.of(List.of(0L, 0L), 25).buckets()).isEmpty();
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void everyPlanCoversTheVectorOnceInBucketsThatAreNotTooLong(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 200; i++) {
            List<Long> layers = new ArrayList<>();
            random.longs(random.nextInt(20), 0, 1L << random.nextInt(1, 34)).forEach(layers::add);
            long max = random.nextLong(1L << 16, 1L << 34);

            // The record's constructor rejects gaps, overlaps and empty buckets.
            BucketPlan plan = BucketPlan.of(layers, max);

            assertThat(plan.elements())
                    .isEqualTo(layers.stream().mapToLong(Long::longValue).sum());
            assertThat(plan.buckets())
                    .allSatisfy(bucket -> assertThat(bucket.length()).isLessThanOrEqualTo(max));
        }
    }

    @Test
    void plansWithAGapOrAnOverlapAreRefused() {
        assertRefused(100, new Bucket(0, 60, 30), new Bucket(1, 0, 60));
        assertRefused(100, new Bucket(0, 50, 50), new Bucket(1, 0, 60));
        assertRefused(100, new Bucket(0, 50, 50));
        assertRefused(100, new Bucket(1, 0, 100));
        assertRefused(100, new Bucket(0, 0, 100), new Bucket(1, 0, 0));
        assertRefused(100, new Bucket(0, -10, 110));
    }

    @Test
    void lengthsThatMakeNoSenseAreRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> BucketPlan.of(List.of(10L), 0));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BucketPlan.of(List.of(10L, -5L, 10L), 8))
                .withMessageContaining("-5");
    }

    private static void assertRefused(long elements, Bucket... buckets) {
        assertThatIllegalArgumentException().isThrownBy(() -> new BucketPlan(elements, List.of(buckets)));
    }

    @Test
    void equalPlansHaveEqualFingerprintsAndOthersHaveNot() {
        String fingerprint = BucketPlan.of(List.of(10L, 20L, 30L), 30).fingerprint();

        assertThat(BucketPlan.of(List.of(10L, 20L, 30L), 30).fingerprint()).isEqualTo(fingerprint);
        assertThat(BucketPlan.of(List.of(20L, 10L, 30L), 30).fingerprint())
                .as("the same borders between buckets")
                .isEqualTo(fingerprint);
        assertThat(BucketPlan.of(List.of(30L, 10L, 20L), 20).fingerprint()).isNotEqualTo(fingerprint);
        assertThat(BucketPlan.of(List.of(10L, 20L, 31L), 31).fingerprint()).isNotEqualTo(fingerprint);
        assertThat(BucketPlan.of(List.of(10L, 20L, 30L), 60).fingerprint()).isNotEqualTo(fingerprint);
        assertThat(fingerprint).startsWith("60 elements in 2 buckets, borders ");
    }

    @Test
    void wholeLayersAreNotDivided() {
        BucketPlan plan = BucketPlan.ofWholeLayers(List.of(3L, 10L, 2L, 1L), 4);

        assertThat(plan.buckets()).extracting(Bucket::offset).containsExactly(13L, 3L, 0L);
        assertThat(plan.buckets()).extracting(Bucket::length).containsExactly(3L, 10L, 3L);
    }
}
