package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.local.Gyre;
import io.gyre.network.Activity;
import io.gyre.session.Session;
import io.gyre.training.Bucket;
import io.gyre.training.StepObserver;
import io.gyre.training.StepPhase;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Sgd;

/**
 * A rank that sleeps in its step 1, and what each rank then says of itself. The limit passes by a clock that is moved
 * once both ranks are where they stay.
 */
@Timeout(60)
class StalledRankTest {

    private static final int SLEEPER = 1;
    private static final int SLOW_BATCH = 3;

    /** Where the sleeper is when the others wait for it. */
    enum Where {
        IN_DATA_LOADING("in phase load since"),
        IN_A_LISTENER("in the update or a listener after it of step"),
        IN_ALL_REDUCE("in phase reduce since");

        private final String words;

        Where(String words) {
            this.words = words;
        }
    }

    private final CountDownLatch reported = new CountDownLatch(2);
    private final Map<Integer, BlockingQueue<String>> reports =
            new ConcurrentHashMap<>(Map.of(0, new LinkedBlockingQueue<>(), SLEEPER, new LinkedBlockingQueue<>()));
    private volatile boolean asleep;
    private volatile boolean settled;
    private volatile boolean waitsForSleeper;

    /** Sleeps until both ranks have reported. */
    private void sleepHere() {
        try {
            asleep = true;
            reported.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyRankSaysWhereItIsAndForWhomItWaits(Where where) throws Exception {
        Gyre.local(2).run(session -> train(session, where));

        assertThat(reports.get(0).remove())
                .contains("rank 0 (host", "has ended no step for", "It waits for rank 1 (host", "thread ")
                .doesNotContain("sleepHere");
        assertThat(reports.get(SLEEPER).remove())
                .contains("rank 1 (host", where.words, StalledRankTest.class.getName() + ".sleepHere");
        // At most that it goes on.
        assertThat(reports.values()).allSatisfy(rest -> assertThat(rest).hasSizeLessThan(2));
    }

    /** Leaps at each look, once both ranks are where they stay. */
    private LongSupplier clock(boolean sleeps) {
        long[] skippedNanos = {0};
        return () -> {
            if (asleep && settled && (sleeps || waitsForSleeper)) {
                skippedNanos[0] += TimeUnit.SECONDS.toNanos(500);
            }
            return System.nanoTime() + skippedNanos[0];
        };
    }

    private void train(Session session, Where where) {
        int rank = session.world().rank();
        boolean sleeps = rank == SLEEPER;
        MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Sgd(0.01), DataType.FLOAT));
        Batches batches = new Batches(TestData.batches(TestData.vectors(48, DataType.FLOAT, 1), 4));
        int[] read = {0};
        if (sleeps && where == Where.IN_DATA_LOADING) {
            batches.setPreProcessor(batch -> {
                if (read[0]++ == SLOW_BATCH) {
                    sleepHere();
                }
            });
        }
        if (sleeps && where == Where.IN_A_LISTENER) {
            model.addListeners(new BaseTrainingListener() {
                @Override
                public void iterationDone(Model of, int iteration, int epoch) {
                    if (iteration == 1) {
                        sleepHere();
                    }
                }
            });
        }
        StepObserver observer = new StepObserver() {
            @Override
            public void waitBegan(Activity activity, long beginNanos) {
                Member peer = activity.peer();
                if (!sleeps && peer != null && peer.rank() == SLEEPER) {
                    waitsForSleeper = true;
                }
            }

            @Override
            public void waitEnded(Activity activity, @Nullable Member peer, long beginNanos, long endNanos) {
                if (!sleeps) {
                    waitsForSleeper = false;
                }
            }

            @Override
            public void phaseBegan(long step, StepPhase phase, long nanos) {
                // Batches are loaded ahead of the step that needs them.
                boolean needsBatch = phase == StepPhase.LOAD && step == SLOW_BATCH;
                settled |= sleeps && (where != Where.IN_DATA_LOADING || needsBatch);
            }

            @Override
            public void bucketReduced(long step, Bucket bucket, long beginNanos, long endNanos) {
                if (sleeps && where == Where.IN_ALL_REDUCE && step == 1 && bucket.index() == 0) {
                    sleepHere();
                }
            }

            @Override
            public void stalled(long step, String report) {
                reported.countDown();
            }
        };
        try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                .bucketBytes(4 * 300)
                .observer(observer)
                .stallReport(Duration.ofMinutes(15), clock(sleeps), reports.get(rank)::add)
                .build()) {
            trainer.fitSteps(ShardedData.of(batches, Sharding.EXAMPLES), 4);
        }
    }
}
