package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.allreduce.Collectives;
import io.gyre.local.Gyre;
import io.gyre.network.Collective;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.paramserver.StrategyOptions.Kind;
import io.gyre.session.Session;
import io.gyre.training.LocalSettings;
import io.gyre.training.LocalSteps;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Supplier;
import org.deeplearning4j.nn.api.Model;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;

/** Models whose ranks take local steps, over the in-process network. */
@Timeout(120)
class LocalStepsTest {

    private static final int EPOCHS = 2;

    private static StrategyOptions.Builder postLocal(long after, int period) {
        return StrategyOptions.builder(Kind.POST_LOCAL).localAfter(after).period(period);
    }

    private static StrategyOptions.Builder diloco(int period) {
        return StrategyOptions.builder(Kind.DILOCO).period(period);
    }

    /** In batches of 3 per rank: the last step of an epoch has fewer, unevenly divided. */
    private static ShardedData data(DataSet examples) {
        return ShardedData.of(ExampleSource.of(examples), 3, 7);
    }

    private static ShardedData images() {
        return data(TestData.images(42, DataType.DOUBLE, 1));
    }

    private static ShardedData vectors() {
        return data(TestData.vectors(42, DataType.DOUBLE, 1));
    }

    private static Model perceptron() {
        return TestModels.perceptron(TestModels.configuration(new Adam(0.01), DataType.DOUBLE));
    }

    private static Model normalised(double rate) {
        return TestModels.convolutional(TestModels.configuration(new Sgd(rate), DataType.DOUBLE), true);
    }

    /** Trains with options, and returns rank 0's parameters, which are those of all. */
    private static INDArray trained(
            int ranks,
            StrategyOptions.Builder options,
            Overlap overlap,
            Supplier<Model> models,
            Supplier<ShardedData> data)
            throws InterruptedException {
        List<INDArray> all = Gyre.local(ranks).call(session -> {
            Model model = models.get();
            try (LocalStrategy local = LocalStrategy.open(options.build(), session, Collectives::choose);
                    DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                            .strategy(local.strategy())
                            .overlap(overlap)
                            .bucketBytes(400)
                            .progressListener((step, epoch, total) -> checkEqual(
                                    session.group(
                                            local.groups().of(session.world().rank())),
                                    model,
                                    step))
                            .build()) {
                FitReport report = trainer.fit(data.get(), EPOCHS);
                assertThat(report.epochs()).isEqualTo(EPOCHS);
                assertThat(report.examples()).isEqualTo(42L * EPOCHS);
                assertThat(trainer.parametersSha256OfAllRanks()).containsOnly(trainer.parametersSha256());
            }
            return model.params();
        });
        return all.get(0);
    }

    /** All ranks of a group are bit-identical at the end of a step. */
    private static void checkEqual(Session group, Model model, long step) {
        byte[] own = Checksums.sha256(HostMemory.region("parameters", model.params()))
                .getBytes(StandardCharsets.UTF_8);
        assertThat(group.exchange("parameters after step " + step, own)).containsOnly(own);
    }

    private static INDArray inStep(int ranks, Supplier<Model> models, Supplier<ShardedData> data)
            throws InterruptedException {
        return Gyre.local(ranks)
                .call(session -> {
                    Model model = models.get();
                    try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                        trainer.fit(data.get(), EPOCHS);
                        return model.params();
                    }
                })
                .get(0);
    }

    private static double difference(INDArray a, INDArray b) {
        return Nd4j.math().abs(a.sub(b)).maxNumber().doubleValue();
    }

    /** With BatchNorm, whose running statistics are averaged too, and with uneven parts of the data. */
    @Test
    void everyStepWithPlainDescentIsSynchronousTraining() throws Exception {
        Supplier<Model> models = () -> normalised(0.05);
        INDArray synchronous = inStep(4, models, LocalStepsTest::images);

        for (StrategyOptions.Builder options :
                List.of(postLocal(0, 1), diloco(1).outerRate(1.0).outerMomentum(0.0))) {
            INDArray local = trained(4, options, Overlap.OFF, models, LocalStepsTest::images);
            assertThat(difference(local, synchronous)).isLessThan(1e-12);
        }
        assertThat(difference(synchronous, models.get().params())).isGreaterThan(0.001);
    }

    /** With any updater: no step is local. */
    @Test
    void postLocalBeforeItsFirstLocalStepIsSynchronousBitForBit() throws Exception {
        INDArray local =
                trained(3, postLocal(1_000, 4), Overlap.ON, LocalStepsTest::perceptron, LocalStepsTest::vectors);

        assertThat(local).isEqualTo(inStep(3, LocalStepsTest::perceptron, LocalStepsTest::vectors));
    }

    @ParameterizedTest
    @EnumSource(
            value = Kind.class,
            names = {"POST_LOCAL", "DILOCO"})
    void oneGroupIsSynchronousBitForBit(Kind between) throws Exception {
        StrategyOptions.Builder options =
                StrategyOptions.builder(Kind.HYBRID).between(between).groups(1);

        INDArray local = trained(3, options, Overlap.OFF, LocalStepsTest::perceptron, LocalStepsTest::vectors);

        assertThat(local).isEqualTo(inStep(3, LocalStepsTest::perceptron, LocalStepsTest::vectors));
    }

    @ParameterizedTest(name = "{0}, {1} fragments, {2} step late, in {3} groups")
    @CsvSource({
        "POST_LOCAL, 1, 0, 4",
        "DILOCO, 1, 0, 4",
        "DILOCO, 3, 0, 4",
        "DILOCO, 3, 1, 4",
        "POST_LOCAL, 1, 0, 2",
        "DILOCO, 2, 0, 2",
        "DILOCO, 2, 1, 3"
    })
    void theResultIsTheSameEveryTimeAndWithOverlap(Kind kind, int fragments, int delay, int groups) throws Exception {
        Supplier<Model> models =
                () -> TestModels.convolutional(TestModels.configuration(new Adam(0.01), DataType.FLOAT), true);
        Supplier<ShardedData> data = () -> data(TestData.images(42, DataType.FLOAT, 1));
        StrategyOptions.Builder options =
                groups == 4 ? StrategyOptions.builder(kind) : StrategyOptions.builder(Kind.HYBRID);
        if (groups < 4) {
            options.between(kind).groups(groups);
        }
        options.period(3);
        if (kind == Kind.DILOCO) {
            options.fragments(fragments).delay(delay);
        } else {
            options.localAfter(2L);
        }

        INDArray first = trained(4, options, Overlap.OFF, models, data);
        INDArray second = trained(4, options, Overlap.ON, models, data);

        assertThat(second).isEqualTo(first);
        assertThat(difference(first, models.get().params())).isBetween(0.001, 10.0);
    }

    @Test
    void fitContinuesWhereTheLastOneEnded() throws Exception {
        Gyre.local(3).run(session -> {
            Model model = perceptron();
            try (Collective all = Collectives.choose(session.endpoint());
                    DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                            .strategy(LocalSteps.diloco(all, 5))
                            .build()) {
                double before = model.score();
                trainer.fitSteps(vectors(), 3);
                assertThat(trainer.parametersSha256OfAllRanks()).containsOnly(trainer.parametersSha256());
                trainer.fit(vectors(), 1);
                trainer.fit(TestData.vectors(9, DataType.DOUBLE, 2));

                assertThat(trainer.step()).isEqualTo(3 + 5 + 1);
                assertThat(trainer.parametersSha256OfAllRanks()).containsOnly(trainer.parametersSha256());
                assertThat(model.score()).isNotEqualTo(before);
            }
        });
    }

    @Test
    void theStatisticsOfAModelAreThoseOfItsBatchNorm() {
        Model model = normalised(0.1);
        Replica replica = TestModels.replica(model, 400);

        long found =
                replica.statistics().stream().mapToLong(span -> span.length()).sum();

        long expected = model.paramTable().entrySet().stream()
                .filter(each -> each.getKey().endsWith("_mean") || each.getKey().contains("stdev"))
                .mapToLong(each -> each.getValue().length())
                .sum();
        assertThat(found).isEqualTo(expected).isPositive();
    }

    /** Between two synchronisations ranks share reports only. */
    @Test
    void aPeriodSendsTheParametersOnce() throws Exception {
        List<Long> seldom = bytesSent(diloco(10));
        List<Long> often = bytesSent(diloco(1));

        long parameters = perceptron().numParams() * 8L;
        for (int rank = 0; rank < 3; rank++) {
            assertThat(seldom.get(rank)).isLessThan(3 * parameters);
            assertThat(often.get(rank) - seldom.get(rank)).isGreaterThan(8 * parameters);
        }
    }

    private static List<Long> bytesSent(StrategyOptions.Builder options) throws InterruptedException {
        return Gyre.local(3).call(session -> {
            try (LocalStrategy local = LocalStrategy.open(options.build(), session, Collectives::choose);
                    DistributedTrainer trainer = DistributedTrainer.builder(perceptron(), session)
                            .strategy(local.strategy())
                            .build()) {
                return trainer.fitSteps(vectors(), 10).bytesSent();
            }
        });
    }

    @Test
    void gradientsThatAreNotFiniteAreNamedOnAllRanks() {
        assertThatThrownBy(() -> Gyre.local(3).run(session -> {
                    Model model = perceptron();
                    try (Collective all = Collectives.choose(session.endpoint());
                            DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                                    .strategy(LocalSteps.of(LocalSettings.postLocal(0, 100), all))
                                    .build()) {
                        DataSet examples = TestData.vectors(8, DataType.DOUBLE, 1);
                        if (session.world().rank() == 2) {
                            examples.getFeatures().assign(Double.NaN);
                        }
                        INDArray before = model.params().dup();
                        assertThatThrownBy(() -> trainer.fit(
                                        ShardedData.of(TestData.iterator(List.of(examples)), Sharding.OWN), 1))
                                .isInstanceOf(NotFiniteException.class)
                                .hasMessageContainingAll(
                                        "the loss of step 0 is NaN on rank 2", "is local", " on rank 2");
                        assertThat(model.params()).isEqualTo(before);
                        throw new IllegalStateException("all ranks were told");
                    }
                }))
                .hasMessageContaining("all ranks were told");
    }

    @Test
    void whatNeedsEqualReplicasIsRejected() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    try (Collective all = Collectives.choose(session.endpoint())) {
                        DistributedTrainer.builder(normalised(0.1), session)
                                .strategy(LocalSteps.diloco(all, 5))
                                .synchronousBatchNorm(true)
                                .build()
                                .close();
                    }
                }))
                .hasMessageContaining("synchronousBatchNorm");
        Model half = TestModels.perceptron(TestModels.configuration(new Sgd(0.1), DataType.FLOAT16));
        assertThatThrownBy(() -> Gyre.local(1).run(session -> {
                    try (Collective all = Collectives.choose(session.endpoint())) {
                        DistributedTrainer.builder(half, session)
                                .strategy(LocalSteps.diloco(all, 5))
                                .build()
                                .close();
                    }
                }))
                .hasMessageContaining("train in FLOAT or DOUBLE");
    }

    @Test
    void momentumOfTheModelIsEachRanksOwn() throws Exception {
        Supplier<Model> models =
                () -> TestModels.perceptron(TestModels.configuration(new Nesterovs(0.05, 0.9), DataType.DOUBLE));

        INDArray local = trained(3, postLocal(2, 2), Overlap.OFF, models, LocalStepsTest::vectors);

        assertThat(difference(local, inStep(3, models, LocalStepsTest::vectors)))
                .isBetween(1e-9, 0.5);
    }
}
