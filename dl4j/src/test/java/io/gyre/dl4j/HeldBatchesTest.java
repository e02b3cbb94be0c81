package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.AsyncDataSetIterator;
import org.nd4j.linalg.dataset.AsyncMultiDataSetIterator;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.MultiDataSetIteratorAdapter;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;

/**
 * Iterators and sources that reuse the memory of batches they returned: every row of an epoch still reaches a model.
 */
@Timeout(300)
class HeldBatchesTest {

    /** A batch has 1 MB: the workspace of an asynchronous iterator has at least 10, and is cyclic. */
    private static final int WIDTH = 65_536;

    private static final int ROWS = 4;
    private static final int BATCHES = 40;

    /** How an iterator is read on each of some ranks. */
    private record Reading(String name, int ranks, Function<MultiDataSetIterator, ShardedData> data) {

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Arguments> readings() {
        List<Reading> readings = List.of(
                new Reading("a buffer that mixes", 2, it -> ShardedData.shuffled(it, Sharding.EXAMPLES, 10, 3)),
                new Reading("every fourth batch", 4, it -> ShardedData.of(it, Sharding.BATCHES)),
                new Reading(
                        "a mixed buffer, every second batch",
                        2,
                        it -> ShardedData.shuffled(it, Sharding.BATCHES, 7, 3)),
                new Reading("slices", 2, it -> ShardedData.of(it, Sharding.EXAMPLES)),
                new Reading("one rank", 1, it -> ShardedData.of(it, Sharding.OWN)));
        return readings.stream()
                .flatMap(reading ->
                        Stream.of("async", "async multi", "reused arrays").map(kind -> Arguments.of(kind, reading)));
    }

    /** Its arrays are created for each call, in the open workspace. */
    private static DataSet numbered(int number) {
        INDArray features = Nd4j.create(DataType.FLOAT, ROWS, WIDTH);
        INDArray labels = Nd4j.create(DataType.FLOAT, ROWS, TestModels.CLASSES);
        for (int row = 0; row < ROWS; row++) {
            features.getRow(row).assign(1 + ROWS * number + row);
            labels.putScalar(row, 0, 1);
        }
        return new DataSet(features, labels);
    }

    private static MultiDataSetIterator iterator(String kind) {
        if (kind.equals("reused arrays")) {
            List<DataSet> batches = IntStream.range(0, BATCHES)
                    .mapToObj(HeldBatchesTest::narrow)
                    .toList();
            return new MultiDataSetIteratorAdapter(new Batches(batches).reusingArrays());
        }
        DataSetIterator made = new Made(BATCHES, HeldBatchesTest::numbered);
        return kind.equals("async")
                ? new MultiDataSetIteratorAdapter(new AsyncDataSetIterator(made, 2, true))
                : new AsyncMultiDataSetIterator(new MultiDataSetIteratorAdapter(made), 2, true);
    }

    private static DataSet narrow(int number) {
        DataSet wide = numbered(number);
        return new DataSet(wide.getFeatures().getColumns(0, 1), wide.getLabels());
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("readings")
    void everyRowReachesAModelOnce(String kind, Reading reading) throws Exception {
        int width = kind.equals("reused arrays") ? 2 : WIDTH;

        assertThatEveryRowReachesAModelOnce(
                reading.ranks(), width, () -> reading.data().apply(iterator(kind)));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void soItDoesFromASourceThatReusesItsArrays(int ranks) throws Exception {
        assertThatEveryRowReachesAModelOnce(ranks, 2, () -> {
            Map<Integer, DataSet> reused = new HashMap<>();
            ExampleSource source = ExampleSource.of(BATCHES * ROWS, indices -> {
                DataSet rows = reused.computeIfAbsent(
                        indices.length,
                        count -> new DataSet(
                                Nd4j.create(DataType.FLOAT, count, 2),
                                Nd4j.create(DataType.FLOAT, count, TestModels.CLASSES)));
                for (int row = 0; row < indices.length; row++) {
                    rows.getFeatures().getRow(row).assign(1 + indices[row]);
                    rows.getLabels().putScalar(row, 0, 1);
                }
                return rows;
            });
            return ShardedData.of(source, ROWS, 1);
        });
    }

    /** The last feature of each row is its number, from 1. */
    private static void assertThatEveryRowReachesAModelOnce(int ranks, int width, Supplier<ShardedData> data)
            throws InterruptedException {
        List<Integer> seen = Collections.synchronizedList(new ArrayList<>());

        Gyre.local(ranks).run(session -> {
            MultiLayerNetwork model = model(width);
            model.setListeners(new BaseTrainingListener() {
                @Override
                public void onGradientCalculation(Model trained) {
                    INDArray input = ((MultiLayerNetwork) trained).getInput();
                    for (int row = 0; row < input.rows(); row++) {
                        seen.add(Math.round(input.getFloat(row, width - 1)));
                    }
                }
            });
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fit(data.get(), 1);
            }
        });

        Set<Integer> all =
                new TreeSet<>(IntStream.rangeClosed(1, BATCHES * ROWS).boxed().toList());
        assertThat(seen).hasSize(BATCHES * ROWS);
        assertThat(new TreeSet<>(seen)).isEqualTo(all);
    }

    private static MultiLayerNetwork model(int width) {
        return TestModels.initialised(new MultiLayerNetwork(TestModels.configuration(new Sgd(0), DataType.FLOAT)
                .list()
                .layer(TestModels.softmax())
                .setInputType(InputType.feedForward(width))
                .build()));
    }
}
