package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.gyre.World;
import io.gyre.local.Gyre;
import io.gyre.paramserver.AsynchronousParallel;
import io.gyre.paramserver.ParameterService;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Sgd;

@Timeout(120)
class DealtExamplesTest {

    private static final int EXAMPLES = 107;

    /** Records what is read, by any rank. */
    private static ExampleSource recording(List<Integer> read) {
        DataSet all = TestData.vectors(EXAMPLES, DataType.DOUBLE, 1);
        ExampleSource whole = ExampleSource.of(all);
        return new ExampleSource() {
            @Override
            public int size() {
                return EXAMPLES;
            }

            @Override
            public org.nd4j.linalg.dataset.api.MultiDataSet load(int[] indices) {
                synchronized (read) {
                    IntStream.of(indices).forEach(read::add);
                }
                return whole.load(indices);
            }
        };
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3})
    void whoeverComesEveryExampleOfAnEpochIsDealtOnce(long seed) {
        int ranks = 3;
        AtomicLong counter = new AtomicLong();
        List<Integer> read = new ArrayList<>();
        List<ShardedData> data = new ArrayList<>();
        for (int rank = 0; rank < ranks; rank++) {
            data.add(ShardedData.dealt(recording(read), 10, seed, counter::getAndAdd));
        }
        SplittableRandom random = new SplittableRandom(seed);
        List<List<Integer>> orders = new ArrayList<>();
        // The first epoch trained need not be number 0.
        for (int epoch = 4; epoch < 8; epoch++) {
            read.clear();
            List<Iterator<Share>> passes = new ArrayList<>();
            for (int rank = 0; rank < ranks; rank++) {
                passes.add(data.get(rank).pass(Seats.of(new World(rank, ranks)), Place.beginning(epoch)));
            }
            while (passes.stream().anyMatch(Iterator::hasNext)) {
                Iterator<Share> pass = passes.get(random.nextInt(ranks));
                if (pass.hasNext()) {
                    assertThat(pass.next().rows()).isNotNull();
                }
            }
            assertThat(read).hasSize(EXAMPLES);
            assertThat(read).doesNotHaveDuplicates();
            orders.add(List.copyOf(read));
        }
        assertThat(orders).doesNotHaveDuplicates();
    }

    @Test
    void aSlowRankTrainsOnFewerExamples() throws Exception {
        int epochs = 3;
        ConcurrentLinkedQueue<long[]> stepsOfRanks = new ConcurrentLinkedQueue<>();
        List<Integer> read = new ArrayList<>();
        // The slow rank has trained on one batch and holds three at most: the others get all the rest.
        AtomicInteger stepsOfOthers = new AtomicInteger();
        int enough = 27 * epochs - 4;
        Gyre.local(3).run(session -> {
            MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Sgd(0.05), DataType.DOUBLE));
            int rank = session.world().rank();
            try (ParameterService service = ParameterService.builder(session)
                            .training(Strategies.training(model, new AsynchronousParallel()))
                            .start();
                    DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                            .strategy(Strategies.parameterServer(model, service))
                            .progressListener((step, epoch, total) -> {
                                if (rank != 2) {
                                    stepsOfOthers.incrementAndGet();
                                }
                                long begin = System.nanoTime();
                                while (rank == 2 && stepsOfOthers.get() < enough) {
                                    assertThat(System.nanoTime() - begin)
                                            .as("the other ranks took %s steps of %d", stepsOfOthers, enough)
                                            .isLessThan(TimeUnit.MINUTES.toNanos(1));
                                    LockSupport.parkNanos(1_000_000);
                                }
                            })
                            .build()) {
                ShardedData data = ShardedData.dealt(recording(read), 4, 1, service.counter("batches"));

                FitReport report = trainer.fit(data, epochs);

                assertThat(report.examples()).isEqualTo((long) EXAMPLES * epochs);
                assertThat(report.epochs()).isEqualTo(epochs);
                stepsOfRanks.add(new long[] {rank, trainer.step()});
            }
        });
        assertThat(read).hasSize(EXAMPLES * epochs);
        long[] steps = new long[3];
        stepsOfRanks.forEach(each -> steps[(int) each[0]] = each[1]);
        assertThat(steps[0] + steps[1] + steps[2]).isEqualTo(27L * epochs);
        assertThat(steps[2]).isLessThanOrEqualTo(4);
    }

    @Test
    void whatCannotBeContinuedOrDealtIsRefused() {
        AtomicLong counter = new AtomicLong();
        ExampleSource source = recording(new ArrayList<>());

        assertThatIllegalStateException()
                .isThrownBy(() -> ShardedData.dealt(source, 10, 1, counter::getAndAdd)
                        .pass(Seats.of(new World(0, 1)), new Place(2, 5, 0)))
                .withMessageContaining("middle of epoch 2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ShardedData.dealt(source, 0, 1, counter::getAndAdd))
                .withMessageContaining("batch 0");
    }
}
