package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.World;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Examples are numbers, which identify them. */
class ShardedDataTest {

    /** Examples whose only feature is their number, from {@code from} to before {@code to}. */
    private static DataSet numbers(int from, int to) {
        INDArray column = Nd4j.arange(from, to).castTo(DataType.FLOAT).reshape(to - from, 1);
        return new DataSet(column, column.dup());
    }

    private static List<MultiDataSet> batches(int... sizes) {
        List<MultiDataSet> batches = new ArrayList<>();
        int from = 0;
        for (int size : sizes) {
            batches.add(numbers(from, from + size).toMultiDataSet());
            from += size;
        }
        return batches;
    }

    private static List<Integer> numbers(Share share) {
        MultiDataSet rows = share.rows();
        return rows == null
                ? List.of()
                : IntStream.of(rows.getFeatures(0)
                                .castTo(DataType.INT32)
                                .ravel()
                                .toIntVector())
                        .boxed()
                        .toList();
    }

    /** The global batches of a pass: for each, the shares of all ranks, in order. */
    private static List<List<List<Integer>>> globalBatches(List<ShardedData> ofRanks, int epoch, long position) {
        int ranks = ofRanks.size();
        List<Iterator<Share>> passes = new ArrayList<>();
        for (int rank = 0; rank < ranks; rank++) {
            passes.add(ofRanks.get(rank).pass(Seats.of(new World(rank, ranks)), new Place(epoch, position, 0)));
        }
        List<List<List<Integer>>> batches = new ArrayList<>();
        while (passes.stream().anyMatch(Iterator::hasNext)) {
            batches.add(passes.stream()
                    .map(pass -> pass.hasNext() ? numbers(pass.next()) : List.<Integer>of())
                    .toList());
        }
        return batches;
    }

    private static List<ShardedData> onEachRank(int ranks, Supplier<ShardedData> data) {
        return IntStream.range(0, ranks).mapToObj(rank -> data.get()).toList();
    }

    private static List<List<Integer>> joined(List<List<List<Integer>>> batches) {
        return batches.stream()
                .map(shares -> shares.stream().flatMap(List::stream).toList())
                .toList();
    }

    @ParameterizedTest(name = "{0} ranks with batches of {1}")
    @CsvSource({"1, 12", "2, 6", "3, 4", "4, 3", "6, 2", "12, 1"})
    void globalBatchesOfASourceDoNotDependOnTheNumberOfRanks(int ranks, int batchPerRank) {
        ExampleSource source = ExampleSource.of(numbers(0, 41));
        List<List<Integer>> alone = joined(globalBatches(onEachRank(1, () -> ShardedData.of(source, 12, 7)), 3, 0));

        List<List<Integer>> shared =
                joined(globalBatches(onEachRank(ranks, () -> ShardedData.of(source, batchPerRank, 7)), 3, 0));

        assertThat(shared).isEqualTo(alone);
        assertThat(shared.stream().flatMap(List::stream)).hasSize(41).doesNotHaveDuplicates();
    }

    @Test
    void theLastBatchOfASourceIsDividedAsEvenlyAsPossible() {
        ExampleSource source = ExampleSource.of(numbers(0, 26));

        List<List<List<Integer>>> batches = globalBatches(onEachRank(4, () -> ShardedData.of(source, 5, 1)), 0, 0);

        assertThat(batches.get(1).stream().map(List::size)).containsExactly(2, 2, 1, 1);
    }

    @Test
    void everyEpochHasItsOwnOrder() {
        ExampleSource source = ExampleSource.of(numbers(0, 20));
        Set<List<List<Integer>>> orders = new HashSet<>();
        for (int epoch = 0; epoch < 5; epoch++) {
            orders.add(joined(globalBatches(onEachRank(1, () -> ShardedData.of(source, 20, 1)), epoch, 0)));
        }

        assertThat(orders).hasSize(5);
        assertThat(joined(globalBatches(onEachRank(1, () -> ShardedData.of(source, 20, 2)), 0, 0)))
                .isNotIn(orders);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void byExamplesTheIteratorsBatchIsTheGlobalBatch(int ranks) {
        List<MultiDataSet> batches = batches(8, 3, 1, 6);

        List<List<List<Integer>>> divided =
                globalBatches(onEachRank(ranks, () -> ShardedData.of(new BatchList(batches), Sharding.EXAMPLES)), 0, 0);

        assertThat(joined(divided))
                .containsExactlyElementsOf(batches.stream()
                        .map(batch -> numbers(Share.own(batch, true)))
                        .toList());
        assertThat(divided)
                .allSatisfy(shares -> assertThat(
                                shares.get(0).size() - shares.get(ranks - 1).size())
                        .isBetween(0, 1));
    }

    @Test
    void byBatchesEveryRankTakesEveryNth() {
        List<MultiDataSet> batches = batches(1, 1, 1, 1, 1, 1, 1);

        List<List<List<Integer>>> divided =
                globalBatches(onEachRank(3, () -> ShardedData.of(new BatchList(batches), Sharding.BATCHES)), 0, 0);

        assertThat(divided)
                .containsExactly(
                        List.of(List.of(0), List.of(1), List.of(2)),
                        List.of(List.of(3), List.of(4), List.of(5)),
                        List.of(List.of(6), List.of(), List.of()));
    }

    @Test
    void ownIteratorsMayDifferInLength() {
        List<ShardedData> ofRanks = List.of(
                ShardedData.of(new BatchList(batches(2, 2)), Sharding.OWN),
                ShardedData.of(new BatchList(batches(1)), Sharding.OWN),
                ShardedData.of(new BatchList(batches()), Sharding.OWN));

        assertThat(globalBatches(ofRanks, 0, 0))
                .containsExactly(
                        List.of(List.of(0, 1), List.of(0), List.of()), List.of(List.of(2, 3), List.of(), List.of()));
    }

    @ParameterizedTest
    @EnumSource(Sharding.class)
    void aMixedIteratorLosesNothingAndKeepsTheSizesOfItsBatches(Sharding sharding) {
        List<MultiDataSet> batches = batches(4, 4, 2, 4, 4, 1);
        List<ShardedData> ofRanks = onEachRank(1, () -> ShardedData.shuffled(new BatchList(batches), sharding, 3, 9));

        List<List<Integer>> first = joined(globalBatches(ofRanks, 0, 0));
        List<List<Integer>> second = joined(globalBatches(ofRanks, 1, 0));

        assertThat(first.stream().map(List::size)).containsExactly(4, 4, 2, 4, 4, 1);
        assertThat(first.stream().flatMap(List::stream).sorted())
                .containsExactlyElementsOf(IntStream.range(0, 19).boxed().toList());
        assertThat(first.subList(0, 3).stream().flatMap(List::stream).sorted())
                .containsExactlyElementsOf(IntStream.range(0, 10).boxed().toList());
        assertThat(second).isNotEqualTo(first);
        assertThat(joined(globalBatches(ofRanks, 0, 0))).isEqualTo(first);
    }

    @Test
    void mixingIsTheSameForAnyNumberOfRanks() {
        List<MultiDataSet> batches = batches(6, 6, 6, 6, 5);
        IntFunction<List<List<Integer>>> pass = ranks -> joined(globalBatches(
                onEachRank(ranks, () -> ShardedData.shuffled(new BatchList(batches), Sharding.EXAMPLES, 2, 9)), 4, 0));

        assertThat(pass.apply(3)).isEqualTo(pass.apply(1));
    }

    @Test
    void aPassMayBeginAnywhere() {
        ExampleSource source = ExampleSource.of(numbers(0, 25));
        List<Supplier<ShardedData>> all = List.of(
                () -> ShardedData.of(source, 2, 5),
                () -> ShardedData.of(new BatchList(batches(4, 4, 3, 4, 2)), Sharding.EXAMPLES),
                () -> ShardedData.of(new BatchList(batches(1, 1, 1, 1, 1)), Sharding.BATCHES),
                () -> ShardedData.shuffled(new BatchList(batches(4, 4, 3, 4, 2)), Sharding.EXAMPLES, 2, 5),
                () -> ShardedData.shuffled(new BatchList(batches(4, 4, 3, 4, 2)), Sharding.BATCHES, 3, 5),
                () -> ShardedData.shuffled(new BatchList(batches(4, 4, 3, 4, 2)), Sharding.OWN, 4, 5));
        World world = new World(0, 2);
        for (Supplier<ShardedData> data : all) {
            List<List<List<Integer>>> whole = globalBatches(onEachRank(2, data), 1, 0);
            long position = 0;
            for (int done = 0; done <= whole.size(); done++) {
                assertThat(globalBatches(onEachRank(2, data), 1, position))
                        .as("%s from position %d", data.get().description(), position)
                        .isEqualTo(whole.subList(done, whole.size()));
                position = data.get().advance(position, world);
            }
        }
    }

    @Test
    void preProcessorsAreApplied() {
        BatchList iterator = new BatchList(batches(2));
        iterator.setPreProcessor(batch -> batch.getFeatures(0).addi(100));

        assertThat(joined(globalBatches(List.of(ShardedData.of(iterator, Sharding.EXAMPLES)), 0, 0)))
                .containsExactly(List.of(100, 101));
    }

    @Test
    void aSecondPassOverAnIteratorThatCannotBeResetIsRefused() {
        ShardedData data = ShardedData.of(
                new ExistingDataSetIterator(List.of(numbers(0, 2)).iterator()), Sharding.EXAMPLES);
        World alone = new World(0, 1);
        data.pass(Seats.of(alone), Place.beginning(0)).next();

        assertThatThrownBy(() -> data.pass(Seats.of(alone), Place.beginning(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("epoch 1")
                .hasMessageContaining("cannot be reset")
                .hasMessageContaining("ExistingDataSetIterator");
    }

    @Test
    void augmentationDrawsTheSameNumbersAgain() {
        ExampleSource noisy = ExampleSource.of(8, indices -> {
            INDArray noise = Nd4j.rand(DataType.FLOAT, indices.length, 1).muli(1e6);
            return new DataSet(noise, noise.dup());
        });
        IntFunction<List<List<List<Integer>>>> pass =
                epoch -> globalBatches(onEachRank(2, () -> ShardedData.of(noisy, 2, 5)), epoch, 0);

        List<List<List<Integer>>> first = pass.apply(0);
        Nd4j.getRandom().setSeed(new Random(0).nextLong());

        assertThat(pass.apply(0)).isEqualTo(first).isNotEqualTo(pass.apply(1));
        assertThat(first.get(0).get(0)).isNotEqualTo(first.get(0).get(1));
    }

    @Test
    void aSourceThatReturnsTheWrongNumberOfExamplesIsFoundOut() {
        ExampleSource wrong = ExampleSource.of(8, indices -> numbers(0, 1));

        assertThatThrownBy(() -> ShardedData.of(wrong, 4, 0)
                        .pass(Seats.of(new World(0, 1)), Place.beginning(0))
                        .next())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("4 examples and returned 1");
    }

    @Test
    void nonsenseIsRefused() {
        ExampleSource source = ExampleSource.of(numbers(0, 2));

        assertThatThrownBy(() -> ShardedData.of(source, 0, 1)).hasMessageContaining("batchPerRank 0");
        assertThatThrownBy(() -> ShardedData.shuffled(new BatchList(batches(1)), Sharding.OWN, 1, 1))
                .hasMessageContaining("bufferBatches 1");
    }
}
