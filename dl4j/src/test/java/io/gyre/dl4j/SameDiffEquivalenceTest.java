package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;

/** N ranks with a graph of SameDiff equal {@code SameDiff.fit} with the whole batch. */
class SameDiffEquivalenceTest {

    private static final double BOUND = 1e-10;

    /** A graph, and the batches of an epoch. */
    private record Subject(Supplier<SameDiff> graph, Supplier<List<MultiDataSet>> batches) {}

    private static List<Named<Subject>> subjects(DataType type) {
        IUpdater updater = TestModels.steadyAdam(0.01);
        return List.of(
                Named.of(
                        "perceptron",
                        new Subject(
                                () -> SameDiffGraphs.perceptron(updater, type),
                                () -> uneven(TestData.vectors(26, type, 1).toMultiDataSet()))),
                Named.of(
                        "convolutional",
                        new Subject(
                                () -> SameDiffGraphs.convolutional(new Nesterovs(0.1, 0.9), type),
                                () -> uneven(TestData.images(26, type, 1).toMultiDataSet()))),
                Named.of(
                        "attention",
                        new Subject(
                                () -> SameDiffGraphs.attention(updater, type),
                                () -> uneven(
                                        SameDiffGraphs.sequences(26, type, 1).toMultiDataSet()))),
                Named.of(
                        "two losses",
                        new Subject(
                                () -> SameDiffGraphs.twoHeads(updater, type, LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT),
                                () -> uneven(SameDiffGraphs.twoHeaded(26, type, 1)))),
                Named.of(
                        "losses that are sums",
                        new Subject(
                                () -> SameDiffGraphs.twoHeads(updater, type, LossReduce.SUM),
                                () -> uneven(SameDiffGraphs.twoHeaded(26, type, 1)))),
                Named.of(
                        "masked",
                        new Subject(
                                () -> SameDiffGraphs.masked(updater, type),
                                () -> uneven(SameDiffGraphs.maskedSequences(26, type, 1)
                                        .toMultiDataSet()))),
                Named.of(
                        "masks of two inputs and two outputs",
                        new Subject(
                                () -> SameDiffGraphs.twoMasked(updater, type, LossReduce.SUM),
                                () -> uneven(SameDiffGraphs.twoMaskedSequences(26, type, true)))),
                Named.of(
                        "a mask of one of two inputs",
                        new Subject(
                                () -> SameDiffGraphs.twoMasked(updater, type, null),
                                () -> uneven(SameDiffGraphs.twoMaskedSequences(26, type, false)))),
                Named.of(
                        "constants made variables, and placeholders for one example",
                        new Subject(
                                () -> SameDiffGraphs.ofConstants(updater, type),
                                () -> uneven(TestData.vectors(26, type, 1).toMultiDataSet()))));
    }

    /** More rows on some ranks, and none on others. */
    private static List<MultiDataSet> uneven(MultiDataSet all) {
        int[] sizes = {12, 5, 1, 7};
        List<MultiDataSet> batches = new ArrayList<>();
        int from = 0;
        for (int i = 0; from < Rows.count(all); i++) {
            int to = Math.min(Rows.count(all), from + sizes[i % sizes.length]);
            batches.add(Rows.slice(all, from, to));
            from = to;
        }
        return batches;
    }

    private static INDArray plainlyTrained(Subject subject) {
        SameDiff graph = subject.graph().get();
        graph.fit(new BatchList(subject.batches().get()), 1);
        return SameDiffGraphs.parameters(graph);
    }

    private static List<INDArray> trained(Subject subject, int ranks, int microBatches, Overlap overlap)
            throws InterruptedException {
        return Gyre.local(ranks).call(session -> {
            SameDiff graph = subject.graph().get();
            try (DistributedTrainer trainer = DistributedTrainer.builder(graph, session)
                    .microBatches(microBatches)
                    .overlap(overlap)
                    .bucketBytes(256)
                    .build()) {
                trainer.fit(ShardedData.of(new BatchList(subject.batches().get()), Sharding.EXAMPLES), 1);
            }
            return SameDiffGraphs.parameters(graph);
        });
    }

    static Stream<Arguments> divided() {
        return subjects(DataType.DOUBLE).stream()
                .flatMap(subject ->
                        Stream.of(Arguments.of(subject, 3, 1, Overlap.ON), Arguments.of(subject, 2, 2, Overlap.OFF)));
    }

    static Stream<Arguments> dividedMore() {
        Named<Subject> perceptron = subjects(DataType.DOUBLE).get(0);
        return Stream.of(
                Arguments.of(perceptron, 1, 4, Overlap.OFF),
                Arguments.of(perceptron, 2, 3, Overlap.ON),
                Arguments.of(perceptron, 4, 1, Overlap.OFF));
    }

    @ParameterizedTest(name = "{0}, {1} ranks, {2} micro-batches, overlap {3}")
    @MethodSource({"divided", "dividedMore"})
    void ranksTogetherAreOneProcessWithTheWholeBatch(Subject subject, int ranks, int microBatches, Overlap overlap)
            throws Exception {
        INDArray expected = plainlyTrained(subject);

        List<INDArray> results = trained(subject, ranks, microBatches, overlap);

        assertThat(results).allSatisfy(result -> Bound.assertIdentical(result, results.get(0)));
        assertThat(difference(results.get(0), expected)).isLessThan(BOUND);
        assertThat(difference(
                        expected, SameDiffGraphs.parameters(subject.graph().get())))
                .as("something was learned")
                .isGreaterThan(1e-3);
    }

    static Stream<Arguments> alone() {
        return Stream.of(DataType.FLOAT, DataType.DOUBLE)
                .flatMap(type -> subjects(type).stream().map(subject -> Arguments.of(subject, type)));
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("alone")
    void oneRankIsSameDiffBitForBit(Subject subject, DataType type) throws Exception {
        INDArray expected = plainlyTrained(subject);

        Bound.assertIdentical(trained(subject, 1, 1, Overlap.OFF).get(0), expected);
    }

    private static double difference(INDArray a, INDArray b) {
        return Nd4j.math().abs(a.sub(b)).maxNumber().doubleValue();
    }
}
