package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaDelta;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.AdaMax;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nadam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;

/**
 * N ranks with batch B equal one process with batch N B: the same model, trained by Deeplearning4j's own {@code fit}.
 */
class EquivalenceTest {

    private static final Map<String, INDArray> EXPECTED = new ConcurrentHashMap<>();

    enum Kind {
        PERCEPTRON,
        CONVOLUTIONAL,
        RESIDUAL_GRAPH;

        Model model(IUpdater updater, DataType type) {
            var configuration = TestModels.configuration(updater.clone(), type);
            return switch (this) {
                case PERCEPTRON -> TestModels.perceptron(configuration);
                case CONVOLUTIONAL -> TestModels.convolutional(configuration, false);
                case RESIDUAL_GRAPH -> TestModels.residual(configuration, false);
            };
        }

        DataSet examples(int count, DataType type) {
            return this == PERCEPTRON ? TestData.vectors(count, type, 1) : TestData.images(count, type, 1);
        }
    }

    @SuppressWarnings("ImmutableEnumChecker") // The array is passed as varargs and never written.
    enum Batches {
        /** Divided evenly by 2, 3 and 4 ranks. */
        EVEN,
        /** More rows on some ranks, and none on others. */
        UNEVEN;

        List<DataSet> of(DataSet examples) {
            return this == EVEN ? TestData.batches(examples, 12) : TestData.batches(examples, 12, 5, 1, 7);
        }
    }

    static Stream<Arguments> inProcess() {
        return Stream.of(Kind.values())
                .flatMap(kind -> updaters()
                        .flatMap(updater -> Stream.concat(
                                Stream.of(DataType.FLOAT, DataType.DOUBLE)
                                        .flatMap(type -> Stream.of(2, 3, 4)
                                                .map(ranks -> Arguments.of(
                                                        TestNetwork.LOCAL,
                                                        kind,
                                                        updater,
                                                        type,
                                                        Batches.UNEVEN,
                                                        ranks))),
                                Stream.of(Arguments.of(
                                        TestNetwork.LOCAL, kind, updater, DataType.FLOAT, Batches.EVEN, 4)))));
    }

    static Stream<Arguments> betweenProcesses() {
        return Stream.of(TestNetwork.SHM, TestNetwork.IPC, TestNetwork.UDP)
                .flatMap(network -> Stream.of(Kind.PERCEPTRON, Kind.RESIDUAL_GRAPH)
                        .flatMap(kind -> updaters()
                                .flatMap(updater -> Stream.of(
                                        Arguments.of(network, kind, updater, DataType.FLOAT, Batches.EVEN, 2),
                                        Arguments.of(network, kind, updater, DataType.FLOAT, Batches.UNEVEN, 3)))));
    }

    private static Stream<IUpdater> updaters() {
        return Stream.of(new Sgd(0.1), new Nesterovs(0.1, 0.9), TestModels.steadyAdam(0.01));
    }

    @ParameterizedTest(name = "{0}, {5} ranks: {1}, {2}, {3}, {4} batches")
    @MethodSource({"inProcess", "betweenProcesses"})
    void ranksTogetherAreOneProcessWithTheWholeBatch(
            TestNetwork network, Kind kind, IUpdater updater, DataType type, Batches sizes, int ranks)
            throws Exception {
        List<DataSet> batches = sizes.of(kind.examples(60, type));
        INDArray expected = EXPECTED.computeIfAbsent(
                kind + " " + updater + type + sizes, key -> plainlyTrained(kind.model(updater, type), batches));

        List<INDArray> results = network.cluster(ranks).call(session -> {
            Model model = kind.model(updater, type);
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fit(ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES), 1);
            }
            return model.params();
        });

        assertThat(results).allSatisfy(result -> Bound.assertIdentical(result, results.get(0)));
        Bound.assertClose(results.get(0), expected, batches.size());
    }

    /**
     * Updaters that divide a gradient by its usual magnitude, at their own epsilons, with their maximum amplification
     * of rounding errors from docs/training.md.
     */
    static Stream<Arguments> adaptive() {
        return Stream.of(Kind.values())
                .flatMap(kind -> Stream.of(
                        Arguments.of(kind, new Adam(0.01), 0.01 / Adam.DEFAULT_ADAM_EPSILON),
                        Arguments.of(kind, new Adam(0.1), 0.1 / Adam.DEFAULT_ADAM_EPSILON),
                        Arguments.of(kind, new AdaMax(0.1), 0.1 / AdaMax.DEFAULT_ADAMAX_EPSILON),
                        Arguments.of(kind, new AMSGrad(0.1), 0.1 / AMSGrad.DEFAULT_AMSGRAD_EPSILON),
                        Arguments.of(kind, new Nadam(0.1), 0.1 / Nadam.DEFAULT_NADAM_EPSILON),
                        Arguments.of(kind, new RmsProp(0.1), 0.1 / RmsProp.DEFAULT_RMSPROP_EPSILON),
                        Arguments.of(kind, new AdaGrad(0.1), 0.1 / AdaGrad.DEFAULT_ADAGRAD_EPSILON),
                        Arguments.of(kind, new AdaDelta(), 1 / Math.sqrt(AdaDelta.DEFAULT_ADADELTA_EPSILON))));
    }

    /** More than with a large epsilon, but far less than the effect of one example. */
    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("adaptive")
    void updatersMultiplyRoundingByTheStatedGainAtMost(Kind kind, IUpdater updater, double gain) throws Exception {
        List<DataSet> batches = Batches.UNEVEN.of(kind.examples(100, DataType.DOUBLE));
        assertThat(batches).hasSize(16);
        INDArray expected = plainlyTrained(kind.model(updater, DataType.DOUBLE), batches);

        List<INDArray> results = Gyre.local(3).call(session -> {
            Model model = kind.model(updater, DataType.DOUBLE);
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fit(ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES), 1);
            }
            return model.params();
        });

        Bound.assertClose(results.get(0), expected, batches.size(), gain);
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("oneRank")
    void oneRankIsDeeplearning4jBitForBit(Kind kind, DataType type) throws Exception {
        List<DataSet> batches = Batches.UNEVEN.of(kind.examples(60, type));
        Model model = kind.model(new Adam(0.01), type);

        TestNetwork.LOCAL.cluster(1).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fit(ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES), 1);
            }
        });

        Bound.assertIdentical(model.params(), plainlyTrained(kind.model(new Adam(0.01), type), batches));
    }

    static Stream<Arguments> oneRank() {
        return Stream.of(Kind.values())
                .flatMap(kind -> Stream.of(DataType.FLOAT, DataType.DOUBLE).map(type -> Arguments.of(kind, type)));
    }

    private static INDArray plainlyTrained(Model model, List<DataSet> batches) {
        batches.forEach(batch -> TestModels.plainFit(model, batch));
        return model.params();
    }
}
