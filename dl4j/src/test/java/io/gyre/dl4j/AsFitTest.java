package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.local.Gyre;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.StepSchedule;

/** What {@code fit} of the model takes: the trainer takes it too, and the program sees the same. */
@Timeout(120)
class AsFitTest {

    private static final DataType TYPE = DataType.DOUBLE;

    /** The same calls of a model and of a trainer. */
    private interface Calls<T> {
        void of(T subject);
    }

    private record Way(
            String name,
            Calls<MultiLayerNetwork> layers,
            Calls<ComputationGraph> graph,
            Calls<DistributedTrainer> trainer) {

        @Override
        public String toString() {
            return name;
        }
    }

    private static List<DataSet> batches() {
        return TestData.batches(TestData.images(22, TYPE, 1), 7);
    }

    private static MultiDataSet first() {
        return (MultiDataSet) batches().get(0).toMultiDataSet();
    }

    private static Batches iterator() {
        return new Batches(batches());
    }

    private static BatchList multi() {
        return new BatchList(batches().stream().map(DataSet::toMultiDataSet).toList());
    }

    private static INDArray features() {
        return first().getFeatures(0);
    }

    private static INDArray labels() {
        return first().getLabels(0);
    }

    private static INDArray[] group(INDArray array) {
        return new INDArray[] {array};
    }

    /** A mask that leaves out every third example. */
    private static INDArray mask() {
        INDArray mask = TestData.gaussian(TYPE, 1, 7, 1).muli(0).addi(1);
        for (int row = 0; row < 7; row += 3) {
            mask.putScalar(row, 0, 0);
        }
        return mask;
    }

    static Stream<Way> ways() {
        return Stream.of(
                new Way("an iterator", m -> m.fit(iterator()), m -> m.fit(iterator()), t -> t.fit(iterator())),
                new Way("epochs", m -> m.fit(iterator(), 3), m -> m.fit(iterator(), 3), t -> t.fit(iterator(), 3)),
                new Way("a multi-iterator", m -> m.fit(multi()), m -> m.fit(multi()), t -> t.fit(multi())),
                new Way("its epochs", m -> m.fit(multi(), 2), m -> m.fit(multi(), 2), t -> t.fit(multi(), 2)),
                new Way(
                        "batches in a loop",
                        m -> batches().forEach(m::fit),
                        m -> batches().forEach(m::fit),
                        t -> batches().forEach(t::fit)),
                new Way("a multi-batch", m -> m.fit(first()), m -> m.fit(first()), t -> t.fit(first())),
                new Way(
                        "features and labels",
                        m -> m.fit(features(), labels()),
                        m -> m.fit(group(features()), group(labels())),
                        t -> t.fit(features(), labels())),
                new Way(
                        "masks",
                        m -> m.fit(features(), labels(), null, mask()),
                        m -> m.fit(group(features()), group(labels()), null, group(mask())),
                        t -> t.fit(features(), labels(), null, mask())),
                new Way(
                        "arrays of arrays",
                        m -> m.fit(features(), labels()),
                        m -> m.fit(group(features()), group(labels())),
                        t -> t.fit(group(features()), group(labels()))),
                new Way(
                        "a mixture",
                        m -> {
                            m.fit(iterator());
                            m.fit(features(), labels());
                            m.fit(iterator(), 2);
                        },
                        m -> {
                            m.fit(iterator());
                            m.fit(group(features()), group(labels()));
                            m.fit(iterator(), 2);
                        },
                        t -> {
                            t.fit(iterator());
                            t.fit(features(), labels());
                            t.fit(iterator(), 2);
                        }));
    }

    static Stream<Arguments> waysAndRanks() {
        return ways().flatMap(way -> Stream.of(1, 3).map(ranks -> Arguments.of(way, ranks)));
    }

    private static final Sgd BY_EPOCH = new Sgd(new StepSchedule(ScheduleType.EPOCH, 0.1, 0.5, 1));

    private static MultiLayerNetwork layers() {
        return TestModels.convolutional(TestModels.configuration(BY_EPOCH.clone(), TYPE), false);
    }

    private static ComputationGraph graph() {
        return TestModels.residual(TestModels.configuration(BY_EPOCH.clone(), TYPE), false);
    }

    private static List<String> heard(Model model) {
        List<String> heard = Collections.synchronizedList(new ArrayList<>());
        model.addListeners(new BaseTrainingListener() {
            @Override
            public void onEpochStart(Model of) {
                heard.add("start of epoch " + Network.of(of).epoch());
            }

            @Override
            public void onEpochEnd(Model of) {
                heard.add("end of epoch " + Network.of(of).epoch());
            }

            @Override
            public void iterationDone(Model of, int iteration, int epoch) {
                heard.add("iteration " + iteration + " in epoch " + epoch);
            }
        });
        return heard;
    }

    @ParameterizedTest(name = "{0}, {1} ranks")
    @MethodSource("waysAndRanks")
    void countsAndTrainsAsTheModelDoes(Way way, int ranks) throws Exception {
        MultiLayerNetwork plainLayers = layers();
        List<String> heardByLayers = heard(plainLayers);
        way.layers.of(plainLayers);
        ComputationGraph plainGraph = graph();
        List<String> heardByGraph = heard(plainGraph);
        way.graph.of(plainGraph);

        Gyre.local(ranks).run(session -> {
            MultiLayerNetwork layers = layers();
            List<String> ofLayers = heard(layers);
            try (DistributedTrainer trainer = DistributedTrainer.of(layers, session)) {
                way.trainer.of(trainer);
            }
            compare(layers, plainLayers, ranks);
            assertThat(ofLayers).isEqualTo(heardByLayers);

            ComputationGraph graph = graph();
            List<String> ofGraph = heard(graph);
            try (DistributedTrainer trainer = DistributedTrainer.of(graph, session)) {
                way.trainer.of(trainer);
            }
            compare(graph, plainGraph, ranks);
            assertThat(ofGraph).isEqualTo(heardByGraph);
        });
    }

    private static void compare(Model model, Model plain, int ranks) {
        if (ranks == 1) {
            Bound.assertIdentical(model.params(), plain.params());
        } else {
            Bound.assertClose(model.params(), plain.params(), Network.of(plain).step());
        }
        assertThat(Network.of(model).step()).isEqualTo(Network.of(plain).step());
        assertThat(Network.of(model).epoch()).isEqualTo(Network.of(plain).epoch());
    }

    /** Each reset draws another order from one generator: one more reset, or one less, gives other epochs. */
    private static final class ShuffledByReset extends TestIterator {

        private final List<DataSet> batches = batches();
        private final Random random = new Random(7);
        private int at;
        private int resets;

        @Override
        public boolean hasNext() {
            return at < batches.size();
        }

        @Override
        public DataSet next() {
            return batches.get(at++);
        }

        @Override
        public void reset() {
            at = 0;
            resets++;
            Collections.shuffle(batches, random);
        }
    }

    @Test
    void anIteratorIsResetWhereTheModelsFitResetsIt() throws Exception {
        MultiLayerNetwork plain = layers();
        ShuffledByReset read = new ShuffledByReset();
        read.next();
        plain.fit(read);
        plain.fit(read, 2);

        Gyre.local(2).run(session -> {
            MultiLayerNetwork model = layers();
            ShuffledByReset own = new ShuffledByReset();
            own.next();
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fit(own);
                trainer.fit(own, 2);
            }
            assertThat(own.resets).isEqualTo(read.resets).isEqualTo(2);
            assertThat(Network.of(model).step())
                    .isEqualTo(Network.of(plain).step())
                    .isEqualTo(11);
            Bound.assertClose(model.params(), plain.params(), 11);
        });
    }

    @Test
    void evaluationNamesTheClassesOfTheIterator() throws Exception {
        List<String> names = List.of("ant", "bee", "cat", "dog", "elk");
        Gyre.local(2).run(session -> {
            DataSet all = TestData.images(22, TYPE, 1);
            all.setLabelNames(names);
            MultiLayerNetwork model = layers();
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                var named = new ListDataSetIterator<>(all.asList(), 6);
                assertThat(trainer.evaluate(named).getLabelsList())
                        .isEqualTo(model.evaluate(named).getLabelsList());
                named.reset();
                assertThat(trainer.evaluate(named).accuracy())
                        .isEqualTo(model.evaluate(named).accuracy());
                named.reset();
                assertThat(trainer.evaluate(multi()).accuracy())
                        .isEqualTo(trainer.evaluate(iterator()).accuracy());
            }
        });
    }

    @Test
    void aRankWithAnotherBatchIsNamedAndSoIsTheRemedy() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    DataSet own = TestData.images(6, TYPE, session.world().rank());
                    try (DistributedTrainer trainer = DistributedTrainer.of(layers(), session)) {
                        trainer.fit(own);
                    }
                }))
                .hasCauseInstanceOf(GyreException.class)
                .hasMessageContaining("the ranks have not read the same data")
                .hasMessageContaining("batch 0")
                .hasMessageContaining("let rank 0 read for all by Sharding.FROM_ROOT");
    }

    @Test
    void epochsThatAreNotPositiveAreRefused() throws Exception {
        Gyre.local(1).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(layers(), session)) {
                assertThatThrownBy(() -> trainer.fit(iterator(), 0))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("epochs 0: expected 1");
            }
        });
    }

    @Test
    void aLoopOverBatchesIsResumedAfterTheBatchOfItsCheckpoint(@TempDir Path directory) throws Exception {
        MultiLayerNetwork plain = layers();
        for (int i = 0; i < 3; i++) {
            batches().forEach(plain::fit);
        }
        for (boolean resume : new boolean[] {false, true}) {
            Gyre.local(2).run(session -> {
                MultiLayerNetwork model = layers();
                try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                        .checkpointDirectory(directory)
                        .checkpointEverySteps(5)
                        .resume(resume)
                        .build()) {
                    assertThat(trainer.step()).isEqualTo(resume ? 5 : 0);
                    for (int i = 0; i < (resume ? 3 : 2); i++) {
                        batches().forEach(trainer::fit);
                    }
                    assertThat(trainer.step()).isEqualTo(resume ? 12 : 8);
                }
                if (resume) {
                    Bound.assertClose(model.params(), plain.params(), 12);
                }
            });
        }
    }
}
