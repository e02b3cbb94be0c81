package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.local.Gyre;
import io.gyre.testkit.Eventually;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.AsyncDataSetIterator;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;

/** Training in many calls: what is read, and where each call continues. */
@Timeout(120)
class FitStepsTest {

    private static final DataType TYPE = DataType.FLOAT;
    private static final int BATCHES = 20;

    /** Batches that a loader may have read ahead: two queued, and one that it could not queue. */
    private static final int AHEAD = 3;

    private static List<DataSet> batches(long seed) {
        return TestData.batches(TestData.vectors(4 * BATCHES, TYPE, seed), 4);
    }

    private static MultiLayerNetwork perceptron() {
        return TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
    }

    private static MultiLayerNetwork alone(Consumer<DistributedTrainer> training) throws InterruptedException {
        return Gyre.local(1)
                .call(session -> {
                    MultiLayerNetwork model = perceptron();
                    try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                        training.accept(trainer);
                    }
                    return model;
                })
                .get(0);
    }

    @ParameterizedTest
    @EnumSource(names = {"BEGINS_ANEW", "UNSUPPORTED"})
    void manyShortCallsReadEveryBatchOnce(Batches.Reset reset) throws Exception {
        Batches once = new Batches(batches(1), reset);
        Batches often = new Batches(batches(1), reset);
        Batches wrapped = new Batches(batches(1), reset);

        MultiLayerNetwork whole = alone(trainer -> trainer.fit(ShardedData.of(once, Sharding.EXAMPLES), 1));
        MultiLayerNetwork inSteps = alone(trainer -> {
            ShardedData data = ShardedData.of(often, Sharding.EXAMPLES);
            for (int i = 0; i < BATCHES; i++) {
                assertThat(trainer.fitSteps(data, 1).steps()).isEqualTo(1);
                assertThat(often.given()).isBetween(i + 1, i + 1 + AHEAD);
            }
        });
        MultiLayerNetwork inStepsOfNewData = alone(trainer -> {
            for (int i = 0; i < BATCHES; i++) {
                trainer.fitSteps(ShardedData.of(wrapped, Sharding.EXAMPLES), 1);
            }
        });

        assertThat(once.given()).isEqualTo(BATCHES);
        assertThat(often.given()).isEqualTo(BATCHES);
        assertThat(wrapped.given()).isEqualTo(BATCHES);
        Bound.assertIdentical(inSteps.params(), whole.params());
        Bound.assertIdentical(inStepsOfNewData.params(), whole.params());
    }

    @Test
    void theirEpochsAreThoseOfOneLongCall() throws Exception {
        List<String> events = new ArrayList<>();
        Batches iterator = new Batches(batches(1));

        MultiLayerNetwork inSteps = alone(trainer -> {
            ShardedData data = ShardedData.shuffled(new AsyncDataSetIterator(iterator), Sharding.EXAMPLES, 3, 1);
            for (int i = 0; i < 3 * BATCHES; i += 7) {
                trainer.fitSteps(data, Math.min(7, 3 * BATCHES - i));
            }
            assertThat(trainer.epoch()).isEqualTo(2);
            assertThat(trainer.fit(data, 1).steps())
                    .as("what is left of the third epoch")
                    .isZero();
            events.add("epoch " + trainer.epoch());
        });
        MultiLayerNetwork whole = alone(
                trainer -> trainer.fit(ShardedData.shuffled(new Batches(batches(1)), Sharding.EXAMPLES, 3, 1), 3));

        assertThat(events).containsExactly("epoch 3");
        Bound.assertIdentical(inSteps.params(), whole.params());
    }

    @Test
    void listenersHearOnceThatAnEpochBegins() throws Exception {
        List<Integer> begun = new ArrayList<>();

        Gyre.local(1).run(session -> {
            MultiLayerNetwork model = perceptron();
            model.setListeners(new BaseTrainingListener() {
                @Override
                public void onEpochStart(Model trained) {
                    begun.add(((MultiLayerNetwork) trained).getEpochCount());
                }
            });
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                ShardedData data = ShardedData.of(new Batches(batches(1)), Sharding.EXAMPLES);
                for (int i = 0; i < 2 * BATCHES; i += 5) {
                    trainer.fitSteps(data, 5);
                }
            }
        });

        assertThat(begun).containsExactly(0, 1);
    }

    @Test
    void otherDataOfTheSameKindBeginAtTheirBeginning() throws Exception {
        List<DataSet> a = batches(1);
        List<DataSet> b = batches(2);
        MultiLayerNetwork plain = perceptron();
        a.subList(0, 2).forEach(plain::fit);
        b.subList(0, 2).forEach(plain::fit);

        MultiLayerNetwork trained = alone(trainer -> {
            trainer.fitSteps(ShardedData.of(new Batches(a), Sharding.EXAMPLES), 2);
            trainer.fitSteps(ShardedData.of(new Batches(b), Sharding.EXAMPLES), 2);
        });

        Bound.assertIdentical(trained.params(), plain.params());
    }

    @Test
    void sourcesToo() throws Exception {
        List<Integer> ofSecond = Collections.synchronizedList(new ArrayList<>());
        DataSet examples = TestData.vectors(40, TYPE, 1);
        ExampleSource second = ExampleSource.of(40, indices -> {
            if (indices.length > 1) {
                ofSecond.add(indices[0]);
            }
            return rows(examples, indices);
        });

        alone(trainer -> {
            trainer.fitSteps(ShardedData.of(ExampleSource.of(examples), 4, 1), 2);
            trainer.fitSteps(ShardedData.of(second, 4, 1), 2);
        });

        assertThat(ofSecond.get(0)).isEqualTo(Permutation.of(40, Seeds.derive(1, 0))[0]);
    }

    private static DataSet rows(DataSet examples, int[] indices) {
        org.nd4j.linalg.dataset.api.MultiDataSet rows = Rows.pick(examples.toMultiDataSet(), indices);
        return new DataSet(rows.getFeatures(0), rows.getLabels(0));
    }

    @Test
    void aSourceContinuesWithBatchesOfAnotherSize() throws Exception {
        ExampleSource source = ExampleSource.of(TestData.vectors(40, TYPE, 1));

        alone(trainer -> {
            trainer.fitSteps(ShardedData.of(source, 4, 1), 5);
            assertThat(trainer.fit(ShardedData.of(source, 10, 1), 1).examples()).isEqualTo(20);
        });
    }

    /** What a program may do with an iterator between two calls without affecting the pass. */
    private static void assertContinuesAfter(BiConsumer<DistributedTrainer, Batches> between) throws Exception {
        Batches iterator = new Batches(batches(1));
        MultiLayerNetwork whole =
                alone(trainer -> trainer.fit(ShardedData.of(new Batches(batches(1)), Sharding.EXAMPLES), 2));

        MultiLayerNetwork disturbed = alone(trainer -> {
            ShardedData data = ShardedData.of(iterator, Sharding.EXAMPLES);
            trainer.fitSteps(data, 7);
            between.accept(trainer, iterator);
            trainer.fitSteps(data, BATCHES);
            between.accept(trainer, iterator);
            trainer.fit(data, 1);
        });

        Bound.assertIdentical(disturbed.params(), whole.params());
    }

    @Test
    void anEvaluationOfTheSameIteratorDisturbsNothing() throws Exception {
        assertContinuesAfter((trainer, iterator) ->
                assertThat(trainer.evaluate(iterator).getNumRowCounter()).isEqualTo(4 * BATCHES));
    }

    @Test
    void aProgramThatReadsTheIteratorToItsEndIsNoticed() throws Exception {
        assertContinuesAfter((trainer, iterator) -> {
            iterator.reset();
            while (iterator.hasNext()) {
                iterator.next();
            }
        });
    }

    @Test
    void anIteratorThatComesBackWithOtherBatchesIsFound() {
        List<DataSet> batches = new ArrayList<>(batches(1));
        Batches iterator = new Batches(batches);

        assertThatThrownBy(() -> alone(trainer -> {
                    ShardedData data = ShardedData.of(iterator, Sharding.EXAMPLES);
                    trainer.fitSteps(data, 7);
                    Collections.reverse(batches);
                    trainer.evaluate(iterator);
                    trainer.fitSteps(data, 1);
                }))
                .hasMessageContaining("does not give the 7 batches of epoch 0 again");
    }

    @Test
    void anIteratorThatCannotBeResetIsNotReadTwice() {
        assertThatThrownBy(() -> alone(trainer -> {
                    Batches iterator = new Batches(batches(1), Batches.Reset.UNSUPPORTED);
                    trainer.fitSteps(ShardedData.of(iterator, Sharding.EXAMPLES), 3);
                    trainer.evaluate(iterator);
                }))
                .hasMessageContaining("a pass of training over this io.gyre.dl4j.Batches is not finished");
    }

    @ParameterizedTest
    @EnumSource(names = {"DOES_NOTHING", "FAILS"})
    void anIteratorThatLiesAboutResetIsRefused(Batches.Reset reset) {
        assertThatThrownBy(() -> alone(trainer ->
                        trainer.fit(ShardedData.of(new Batches(batches(1), reset), Sharding.EXAMPLES), 2)))
                .hasMessageContaining("io.gyre.dl4j.Batches")
                .hasMessageContaining("train for one epoch");
    }

    @Test
    void soIsOneOnOneRankOnly() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    Batches.Reset reset =
                            session.world().rank() == 1 ? Batches.Reset.DOES_NOTHING : Batches.Reset.BEGINS_ANEW;
                    try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                        trainer.fit(ShardedData.of(new Batches(batches(1), reset), Sharding.OWN), 2);
                    }
                }))
                .hasMessageContaining("rank 1 failed")
                .hasMessageContaining("has no batch after its reset");
    }

    @Test
    void aPassThatIsPausedReadsNothing() throws Exception {
        Batches iterator = new Batches(batches(1));
        Gyre.local(1).run(session -> {
            try (LossWatch watch = new LossWatch(session, session);
                    Pass pass = new Pass(
                            ShardedData.of(iterator, Sharding.OWN),
                            session,
                            watch,
                            new RowsFromRoot(session),
                            Place.beginning(0),
                            0)) {
                pass.next(0);
                // One is used, two are queued, and one more is read before the loader itself waits.
                awaitGiven(iterator, 4);
                pass.pause();
                int given = iterator.given();
                pass.next(1);
                pass.next(2);

                assertThat(iterator.given()).isEqualTo(given);
                assertThat(pass.resume()).isTrue();
                for (int i = 3; i < BATCHES; i++) {
                    assertThat(pass.next(i).ended()).isFalse();
                }
                assertThat(pass.next(BATCHES).ended()).isTrue();
            }
        });
    }

    private static void awaitGiven(Batches iterator, int count) {
        Eventually.that(
                "the loader has read " + count + " batches", Duration.ofMinutes(1), () -> iterator.given() >= count);
    }
}
