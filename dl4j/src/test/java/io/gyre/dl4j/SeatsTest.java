package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.allreduce.Algorithm;
import io.gyre.kernel.Bfloat16Codec;
import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import io.gyre.session.Session;
import io.gyre.training.StepSummary;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Adam;

/** Whichever process holds which rank, a run has the same bits: parameters, updater state, reports and evaluation. */
@Timeout(240)
class SeatsTest {

    private static final DataType TYPE = DataType.FLOAT;
    private static final int RANKS = 8;

    /** Several buckets even for the smallest model. */
    private static final long BUCKET_BYTES = 1000;

    private static final List<List<Integer>> SCATTERED = List.of(List.of(0, 3, 5), List.of(1), List.of(2, 4, 6, 7));

    /** Divided evenly and not, and with fewer examples than ranks. */
    private static final int[] SIZES = {19, 16, 3};

    private static final List<List<Integer>> CROSSED = List.of(List.of(0, 3), List.of(1, 2));

    private static final Case PERCEPTRON =
            new Case(SeatsTest::perceptron, () -> batches(TestData.vectors(38, TYPE, 1)), 1);

    private record Case(Supplier<Model> model, Supplier<ShardedData> data, int microBatches) {}

    /** All that a process of a run can see of its result. */
    private record Result(
            INDArray parameters,
            INDArray updater,
            List<StepSummary> steps,
            double score,
            String evaluation,
            List<String> hashOfEachRank,
            long examples) {

        void assertEqual(Result expected) {
            Bound.assertIdentical(parameters, expected.parameters);
            Bound.assertIdentical(updater, expected.updater);
            assertThat(steps).isEqualTo(expected.steps);
            assertThat(score).isEqualTo(expected.score);
            assertThat(evaluation).isEqualTo(expected.evaluation);
            assertThat(hashOfEachRank).isEqualTo(expected.hashOfEachRank);
            assertThat(examples).isEqualTo(expected.examples);
        }
    }

    static Stream<Named<Case>> cases() {
        return Stream.of(
                Named.of(
                        "perceptron with dropout and l2, examples from a source",
                        new Case(
                                SeatsTest::perceptron,
                                () -> ShardedData.of(ExampleSource.of(TestData.vectors(75, TYPE, 1)), 3, 5),
                                1)),
                Named.of(
                        "perceptron in micro-batches",
                        new Case(SeatsTest::perceptron, () -> batches(TestData.vectors(38, TYPE, 1)), 2)),
                Named.of(
                        "convolutions with BatchNorm",
                        new Case(
                                () -> TestModels.convolutional(TestModels.configuration(new Adam(0.01), TYPE), true),
                                () -> batches(TestData.images(38, TYPE, 1)),
                                1)),
                Named.of(
                        "residual graph with BatchNorm, whole batches",
                        new Case(
                                () -> TestModels.residual(TestModels.configuration(new Adam(0.01), TYPE), true),
                                () -> ShardedData.of(
                                        TestData.iterator(TestData.batches(TestData.images(38, TYPE, 1), 3, 2, 4)),
                                        Sharding.BATCHES),
                                1)),
                Named.of(
                        "LSTM in segments, with masks",
                        new Case(
                                () -> Sequences.lstm(new Adam(0.01), TYPE),
                                () -> ShardedData.of(new BatchList(sequences()), Sharding.EXAMPLES),
                                2)));
    }

    /** Of uneven lengths: two, three and one segments. Deeplearning4j mistakes the mask of one example for another kind. */
    private static List<MultiDataSet> sequences() {
        Sequences.BatchMaker masked = Sequences.maker(TYPE, true);
        return List.of(
                masked.of(33, 5, 1),
                masked.of(32, 7, 2),
                Sequences.maker(TYPE, false).of(3, 3, 3));
    }

    private static Model perceptron() {
        return TestModels.perceptron(
                TestModels.configuration(new Adam(0.01), TYPE).l2(0.01).dropOut(0.7));
    }

    private static ShardedData batches(DataSet all) {
        return ShardedData.of(TestData.iterator(TestData.batches(all, SIZES)), Sharding.EXAMPLES);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void scatteredSeatsHaveTheBitsOfOneProcessEach(Case each) throws Exception {
        Result expected = train(Gyre.local(RANKS), each, options -> {});

        train(Gyre.local(RANKS).seats(SCATTERED), each, options -> {}).assertEqual(expected);
    }

    @Test
    void anyNumberOfProcessesHasTheSameBits() throws Exception {
        Result expected = train(Gyre.local(RANKS), PERCEPTRON, options -> {});

        for (int processes : new int[] {4, 3, 2, 1}) {
            train(Gyre.local(RANKS).processes(processes), PERCEPTRON, options -> {})
                    .assertEqual(expected);
        }
    }

    /** By messages, 4 ranks reduce their small buckets in one shot, and 8 on the ring. */
    @ParameterizedTest
    @ValueSource(ints = {4, 8})
    void theOrderOfSumsIsThatOfTheMessages(int ranks) throws Exception {
        Consumer<TrainerBuilder> byMessages =
                options -> options.algorithm(Algorithm.RING).overlap(Overlap.ON);

        train(Gyre.local(ranks).processes(3), PERCEPTRON, byMessages)
                .assertEqual(train(Gyre.local(ranks), PERCEPTRON, byMessages));
    }

    @Test
    void hostsOfSeveralRanksHaveTheSameBits() throws Exception {
        Consumer<TrainerBuilder> byHosts = options -> options.algorithm(Algorithm.HIERARCHICAL);

        train(Gyre.local(4).seats(CROSSED), PERCEPTRON, byHosts).assertEqual(train(Gyre.local(4), PERCEPTRON, byHosts));
    }

    /** The loss scale is part of the replica; every seat has a codec that follows it. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void gradientsInSixteenBitsHaveTheSameBits(boolean scaled) throws Exception {
        Consumer<TrainerBuilder> shortened = options -> {
            options.algorithm(Algorithm.RING);
            if (scaled) {
                options.mixedPrecision(true).stepsToRaise(2);
            } else {
                options.compress(Bfloat16Codec::new);
            }
        };

        train(Gyre.local(4).seats(CROSSED), PERCEPTRON, shortened)
                .assertEqual(train(Gyre.local(4), PERCEPTRON, shortened));
    }

    @ParameterizedTest
    @EnumSource(
            value = TestNetwork.class,
            names = {"SHM", "UDP"})
    void sessionsOverAeronHaveTheSameBits(TestNetwork network) throws Exception {
        Consumer<TrainerBuilder> byDefault = options -> {};

        train(network.cluster(4).seats(CROSSED), PERCEPTRON, byDefault)
                .assertEqual(train(network.cluster(4), PERCEPTRON, byDefault));
    }

    /** Trains for an epoch; all processes must have the same result. */
    private static Result train(LocalCluster cluster, Case each, Consumer<TrainerBuilder> options)
            throws InterruptedException {
        List<Result> results = cluster.call(session -> run(session, each, options));
        results.forEach(result -> result.assertEqual(results.get(0)));
        return results.get(0);
    }

    private static Result run(Session session, Case each, Consumer<TrainerBuilder> options) {
        Model model = each.model().get();
        List<StepSummary> steps = new ArrayList<>();
        TrainerBuilder builder = DistributedTrainer.builder(model, session)
                .microBatches(each.microBatches())
                .bucketBytes(BUCKET_BYTES)
                .seed(7)
                .progressListener((step, epoch, total) -> steps.add(total));
        options.accept(builder);
        try (DistributedTrainer trainer = builder.build()) {
            FitReport report = trainer.fit(each.data().get(), 1);
            return new Result(
                    model.params().dup(),
                    Network.of(model).updater().getStateViewArray().dup(),
                    steps,
                    trainer.score(),
                    trainer.evaluate(each.data().get()).toJson(),
                    trainer.parametersSha256OfAllRanks(),
                    report.examples());
        }
    }
}
