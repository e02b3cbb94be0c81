package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.local.Gyre;
import io.gyre.session.Session;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.datasets.iterator.EarlyTerminationDataSetIterator;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.AsyncDataSetIterator;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Sgd;

/** Ranks of one process that share an object of which each needs its own. */
@Timeout(120)
class SharedObjectsTest {

    private static final DataType TYPE = DataType.FLOAT;

    private static MultiLayerNetwork perceptron() {
        return TestModels.perceptron(TestModels.configuration(new Sgd(0.1), TYPE));
    }

    private static Batches iterator() {
        return new Batches(TestData.batches(TestData.vectors(24, TYPE, 1), 4));
    }

    private static void train(Session session, MultiLayerNetwork model, ShardedData data) {
        try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
            trainer.fit(data, 2);
        }
    }

    static Stream<Arguments> shared() {
        Batches same = iterator();
        ShardedData data = ShardedData.of(iterator(), Sharding.EXAMPLES);
        ShardedData source = ShardedData.of(ExampleSource.of(TestData.vectors(24, TYPE, 1)), 2, 1);
        return Stream.of(
                sharing("an iterator", () -> ShardedData.of(same, Sharding.EXAMPLES)),
                sharing("an iterator of its own data", () -> ShardedData.of(same, Sharding.OWN)),
                sharing(
                        "an iterator that others wrap",
                        () -> ShardedData.of(new EarlyTerminationDataSetIterator(same, 4), Sharding.OWN)),
                sharing(
                        "an iterator that others read ahead",
                        () -> ShardedData.of(new AsyncDataSetIterator(same, 2, false), Sharding.OWN)),
                sharing("data from an iterator", () -> data),
                sharing("data from a source", () -> source));
    }

    private static Arguments sharing(String what, Supplier<ShardedData> data) {
        return Arguments.of(what, data);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("shared")
    void dataThatRanksShareAreRefused(String what, Supplier<ShardedData> data) {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> train(session, perceptron(), data.get())))
                .as(what)
                .hasMessageContaining("was given the same")
                .hasMessageContaining("of this process")
                .hasMessageContaining("Make one for every rank");
    }

    @Test
    void soIsAModel() {
        MultiLayerNetwork model = perceptron();

        assertThatThrownBy(() -> Gyre.local(2)
                        .run(session -> train(session, model, ShardedData.of(iterator(), Sharding.EXAMPLES))))
                .hasMessageContaining("was given the same")
                .hasMessageContaining("MultiLayerNetwork object");
    }

    @Test
    void soIsAnIteratorThatIsEvaluated() {
        Batches same = iterator();

        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                        trainer.evaluate(same);
                    }
                }))
                .hasMessageContaining("was given the same");
    }

    @Test
    void aSourceMayBeShared() throws Exception {
        ExampleSource source = ExampleSource.of(TestData.vectors(24, TYPE, 1));

        Gyre.local(2).run(session -> train(session, perceptron(), ShardedData.of(source, 2, 1)));
    }

    @Test
    void oneAfterTheOtherMayUseAnObjectAndNothingOfItIsKept() throws Exception {
        MultiLayerNetwork model = perceptron();
        Batches iterator = iterator();
        int before = Claim.count();

        for (int run = 0; run < 2; run++) {
            Gyre.local(1).run(session -> {
                train(session, model, ShardedData.of(iterator, Sharding.EXAMPLES));
                train(session, model, ShardedData.of(iterator, Sharding.EXAMPLES));
            });
        }

        assertThat(Claim.count()).isEqualTo(before);
    }

    @Test
    void aTrainerThatCannotBeMadeKeepsNoClaim() {
        int before = Claim.count();
        Function<Session, DistributedTrainer> uninitialised = session ->
                DistributedTrainer.of(new MultiLayerNetwork(perceptron().getLayerWiseConfigurations()), session);

        assertThatThrownBy(() -> Gyre.local(1).call(uninitialised::apply)).isNotNull();

        assertThat(Claim.count()).isEqualTo(before);
    }

    @Test
    void twoTrainersOfOneRankMayTakeTurnsWithAnIterator() throws Exception {
        Batches iterator = iterator();
        List<DataSet> batches = TestData.batches(TestData.vectors(24, TYPE, 1), 4);
        MultiLayerNetwork plain = perceptron();
        batches.forEach(plain::fit);

        List<MultiLayerNetwork> models = Gyre.local(1)
                .call(session -> {
                    MultiLayerNetwork one = perceptron();
                    MultiLayerNetwork other = perceptron();
                    try (DistributedTrainer first = DistributedTrainer.of(one, session);
                            DistributedTrainer second = DistributedTrainer.of(other, session)) {
                        ShardedData data = ShardedData.of(iterator, Sharding.EXAMPLES);
                        for (int i = 0; i < batches.size(); i++) {
                            first.fitSteps(data, 1);
                            second.fitSteps(data, 1);
                        }
                    }
                    return List.of(one, other);
                })
                .get(0);

        models.forEach(model -> Bound.assertIdentical(model.params(), plain.params()));
    }
}
