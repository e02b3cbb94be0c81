package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import io.gyre.training.BucketPlan;
import io.gyre.training.GradientReduction;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import io.gyre.training.Synchronous;
import io.gyre.training.TrainableModel;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Core's synchronous strategy over the ring. It is here because core has no collective. */
@Timeout(60)
class SynchronousTest {

    private static final int RANKS = 3;

    /** A model without arithmetic: two vectors of state, and a gradient of three layers in several buckets. */
    private record Vectors(ElementType elementType, Region gradients, BucketPlan bucketPlan, List<Region> state)
            implements TrainableModel {

        @Override
        public Region parameters() {
            return state.get(0);
        }

        @Override
        public int epoch() {
            return 0;
        }

        @Override
        public void update(StepSummary total) {
            throw new AssertionError("gradients are only reduced");
        }

        @Override
        public void averageGradients(StepSummary total) {
            throw new AssertionError("gradients are only reduced");
        }

        static Vectors of(ElementType type) {
            BucketPlan plan = BucketPlan.of(List.of(100L, 5000L, 7L), 1000);
            return new Vectors(
                    type,
                    Region.allocate("gradients", plan.elements() * type.bytes()),
                    plan,
                    List.of(Region.allocate("parameters", 4000), Region.allocate("updater state", 8)));
        }
    }

    private static GradientReduction reduction(Session session) {
        return new Synchronous(new RingCollective(session.endpoint())).reduction();
    }

    @Test
    void startingGivesEveryRankTheStateOfRankZero() throws Exception {
        Gyre.local(RANKS).run(session -> {
            Vectors model = Vectors.of(ElementType.FLOAT32);
            int rank = session.world().rank();
            model.state().get(0).putFloat(3996, rank + 1);
            model.state().get(1).putDouble(0, rank + 2);

            reduction(session).start(model, 0);

            assertThat(model.state().get(0).getFloat(3996)).isEqualTo(1);
            assertThat(model.state().get(1).getDouble(0)).isEqualTo(2);
        });
    }

    @Test
    void everyElementOfTheGradientIsAddedUp() throws Exception {
        for (ElementType type : ElementType.values()) {
            Gyre.local(RANKS).run(session -> {
                Vectors model = Vectors.of(type);
                long elements = model.bucketPlan().elements();
                int rank = session.world().rank();
                for (long i = 0; i < elements; i++) {
                    if (type == ElementType.FLOAT32) {
                        model.gradients().putFloat(i * 4, (float) ((rank + 1) * i));
                    } else {
                        model.gradients().putDouble(i * 8, (double) (rank + 1) * i);
                    }
                }

                GradientReduction reduction = reduction(session);
                model.bucketPlan().buckets().forEach(bucket -> reduction.reduce(model, bucket, 1));

                for (long i = 0; i < elements; i++) {
                    double sum = type == ElementType.FLOAT32
                            ? model.gradients().getFloat(i * 4)
                            : model.gradients().getDouble(i * 8);
                    assertThat(sum).isEqualTo(6.0 * i);
                }
            });
        }
    }

    @Test
    void everyRankReadsWhatEachHasReported() throws Exception {
        long many = (1L << 52) - 1;
        List<StepReport> reports = List.of(
                new StepReport(many, 0.1, false, true, false, false, many, 1),
                new StepReport(1, Double.NEGATIVE_INFINITY, true, true, true, true, many - 1, 2),
                new StepReport(0, Double.NaN, true, false, true, true, 0, 0xffff_ffffL));

        List<StepSummary> summaries = Gyre.local(RANKS)
                .call(session ->
                        reduction(session).summarise(reports.get(session.world().rank()), 1));

        assertThat(summaries).hasSize(RANKS).containsOnly(new StepSummary(reports));
    }

    @Test
    void aSummaryHoldsNothingOfTheStepBefore() throws Exception {
        Gyre.local(RANKS).run(session -> {
            GradientReduction reduction = reduction(session);
            reduction.summarise(new StepReport(9, 9, true, true, true, true, 9, 9), 1);

            StepSummary second = reduction.summarise(StepReport.of(1, 1, false), 2);

            assertThat(second.reports()).hasSize(RANKS).containsOnly(StepReport.of(1, 1, false));
        });
    }
}
