package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import io.gyre.training.Bucket;
import io.gyre.training.StepObserver;
import io.gyre.training.StepPhase;
import io.gyre.training.StepSummary;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;

/** What observers of a trainer hear. */
@Timeout(60)
class StepObserverTest {

    private static final int STEPS = 3;
    private static final int BUCKETS = 2;

    private static final class Counts implements StepObserver {
        private final Map<StepPhase, AtomicLong> phases = new ConcurrentHashMap<>();
        private final AtomicLong buckets = new AtomicLong();
        private final AtomicLong examples = new AtomicLong();

        @Override
        public void phaseEnded(long step, StepPhase phase, long beginNanos, long endNanos) {
            if (endNanos < beginNanos) {
                return; // Not counted, and so missed below.
            }
            phases.computeIfAbsent(phase, absent -> new AtomicLong()).incrementAndGet();
        }

        @Override
        public void bucketReduced(long step, Bucket bucket, long beginNanos, long endNanos) {
            buckets.incrementAndGet();
        }

        @Override
        public void stepEnded(long step, StepSummary total, long bytesSent) {
            examples.addAndGet(total.examples());
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Overlap.class,
            names = {"ON", "OFF"})
    void eachOfThemHearsOfEveryPhaseAndBucket(Overlap overlap) throws Exception {
        Gyre.local(2).run(session -> {
            MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), DataType.FLOAT));
            List<Counts> all = List.of(new Counts(), new Counts());
            try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                    .overlap(overlap)
                    .bucketBytes(4 * 300)
                    .observer(all.get(0))
                    .observer(all.get(1))
                    .build()) {
                trainer.fitSteps(
                        ShardedData.of(ExampleSource.of(TestData.vectors(48, DataType.FLOAT, 1)), 4, 1), STEPS);
            }

            for (Counts counts : all) {
                assertThat(counts.phases.keySet()).containsExactlyInAnyOrder(StepPhase.values());
                assertThat(counts.phases.values())
                        .allSatisfy(count -> assertThat(count).hasValue(STEPS));
                assertThat(counts.buckets).hasValue(STEPS * BUCKETS);
                assertThat(counts.examples).hasValue(STEPS * 2 * 4);
            }
        });
    }
}
