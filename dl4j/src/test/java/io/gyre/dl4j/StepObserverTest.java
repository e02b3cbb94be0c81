package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.local.Gyre;
import io.gyre.training.Bucket;
import io.gyre.training.StepObserver;
import io.gyre.training.StepPhase;
import io.gyre.training.StepSummary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
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

    private static ShardedData data() {
        return ShardedData.of(ExampleSource.of(TestData.vectors(48, DataType.FLOAT, 1)), 4, 1);
    }

    @Test
    void anObserverOfTheRootHearsOfNoOtherRankAndOfTheWholeTraining() throws Exception {
        List<String> heard = Collections.synchronizedList(new ArrayList<>());
        Gyre.local(2).run(session -> {
            MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), DataType.FLOAT));
            StepObserver observer = new StepObserver() {
                @Override
                public void trainingBegan(World world, List<Member> members) {
                    heard.add("began on rank " + world.rank() + " of " + members.size());
                }

                @Override
                public void epochBegan(long step, int epoch) {
                    heard.add("epoch " + epoch + " at step " + step);
                }

                @Override
                public void stepEnded(long step, StepSummary total, long bytesSent) {
                    heard.add("step " + step + " of " + total.examples());
                }

                @Override
                public void memoryUsed(long step, long heapBytes, long residentBytes) {
                    if (heapBytes <= 0 || residentBytes <= 0) {
                        heard.add("no memory");
                    }
                }

                @Override
                public void stepsEnded(long maxStaleness) {
                    heard.add("call ended");
                }

                @Override
                public void trainingEnded() {
                    heard.add("ended");
                }
            };
            try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                    .rootObserver(observer)
                    .build()) {
                trainer.fitSteps(data(), 2);
            }
        });

        assertThat(heard)
                .containsExactly(
                        "began on rank 0 of 2",
                        "epoch 0 at step 0",
                        "step 0 of 8",
                        "step 1 of 8",
                        "call ended",
                        "ended");
    }

    @Test
    void aTimelineHasEveryPhaseOfEveryRank(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("trace.json");
        Gyre.local(2).run(session -> {
            MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), DataType.FLOAT));
            try (DistributedTrainer trainer =
                    DistributedTrainer.builder(model, session).timeline(file).build()) {
                trainer.fitSteps(data(), STEPS);
            }
        });

        String json = Files.readString(file);
        for (StepPhase phase : StepPhase.values()) {
            for (int rank = 0; rank < 2; rank++) {
                String event = "\"name\":\"" + phase.name().toLowerCase(Locale.ROOT) + "\",\"pid\":" + rank + ",";
                assertThat(json.lines().filter(line -> line.contains(event)))
                        .as(event)
                        .hasSize(STEPS);
            }
        }
        assertThat(json).contains("\"ph\":\"C\",\"name\":\"loss\"", "\"name\":\"bucket 0\",\"pid\":1");
        assertThat(directory).isDirectoryNotContaining(path -> !path.equals(file));
    }

    @Test
    void aTimelineWithoutADirectoryIsRejectedAtTheStart(@TempDir Path directory) {
        assertThatThrownBy(() -> Gyre.local(1)
                        .run(session -> DistributedTrainer.builder(
                                        TestModels.perceptron(TestModels.configuration(new Adam(0.01), DataType.FLOAT)),
                                        session)
                                .timeline(directory.resolve("missing").resolve("trace.json"))
                                .build()))
                .hasStackTraceContaining("there is no directory " + directory.resolve("missing"));
    }
}
