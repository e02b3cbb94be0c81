package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;

/** With truncated backpropagation through time ranks are one process, and one rank is {@code fit}. */
class SegmentsTest {

    /** Three segments, of which the last is shorter. */
    private static final int TIME = 8;

    private static final int SEGMENTS = 3;
    private static final double ROUNDING = 1e-10;

    static Stream<Named<Sequences.Subject>> inFloat() {
        return Sequences.subjects(() -> new Adam(Sequences.changing(0.01)), DataType.FLOAT);
    }

    static Stream<Named<Sequences.Subject>> inDouble() {
        return Sequences.subjects(() -> new Sgd(Sequences.changing(0.1)), DataType.DOUBLE);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("inFloat")
    void oneRankIsFit(Sequences.Subject subject) throws Exception {
        List<MultiDataSet> batches = subject.batches(TIME, 6, 4);
        Model plain = subject.model().get();
        Recorder expected = new Recorder();
        plain.addListeners(expected);
        TestModels.plainEpoch(plain, batches);
        TestModels.plainEpoch(plain, batches);
        Model model = subject.model().get();
        Recorder found = new Recorder();
        model.addListeners(found);

        Gyre.local(1).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                FitReport report = trainer.fit(ShardedData.of(new BatchList(batches), Sharding.EXAMPLES), 2);
                assertThat(report.steps()).isEqualTo(12);
                assertThat(report.examples()).isEqualTo(20);
            }
        });

        Bound.assertIdentical(model.params(), plain.params());
        Bound.assertIdentical(
                Network.of(model).updater().getStateViewArray(),
                Network.of(plain).updater().getStateViewArray());
        assertThat(Network.of(model).step()).isEqualTo(Network.of(plain).step()).isEqualTo(12);
        assertThat(Network.of(model).epoch()).isEqualTo(2);
        assertThat(found.calls).isEqualTo(expected.calls).contains("done 0 0", "done 11 1");
        for (int step = 0; step < expected.scores.size(); step++) {
            assertThat(found.scores.get(step)).isCloseTo(expected.scores.get(step), withinPercentage(1e-10));
        }
    }

    /** What a listener is told, and the model's score after each step. */
    private static final class Recorder extends BaseTrainingListener {

        private final List<String> calls = new ArrayList<>();
        private final List<Double> scores = new ArrayList<>();

        @Override
        public void onForwardPass(Model model, List<INDArray> activations) {
            calls.add("forward");
        }

        @Override
        public void onForwardPass(Model model, Map<String, INDArray> activations) {
            calls.add("forward");
        }

        @Override
        public void onBackwardPass(Model model) {
            calls.add("backward");
        }

        @Override
        public void onGradientCalculation(Model model) {
            calls.add("gradient");
        }

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            calls.add("done " + iteration + " " + epoch);
            scores.add(model.score());
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("inDouble")
    void ranksTogetherAreOneProcessWithTheWholeBatch(Sequences.Subject subject) throws Exception {
        // Divided unevenly, and with fewer examples than ranks.
        List<MultiDataSet> batches = subject.batches(TIME, 7, 2);
        Model plain = subject.model().get();
        INDArray begin = plain.params().dup();
        TestModels.plainEpoch(plain, batches);

        for (int ranks = 2; ranks <= 4; ranks++) {
            INDArray together = train(Gyre.local(ranks), subject, batches, 1, Overlap.OFF);
            assertThat(difference(together, plain.params())).isLessThan(ROUNDING);
        }
        assertThat(difference(begin, plain.params())).isGreaterThan(0.01);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("inFloat")
    void oneRankWithMicroBatchesHasTheBitsOfManyRanks(Sequences.Subject subject) throws Exception {
        List<MultiDataSet> batches = subject.batches(TIME, 8, 2);

        INDArray three = train(Gyre.local(3), subject, batches, 1, Overlap.OFF);
        INDArray one = train(Gyre.local(1), subject, batches, 3, Overlap.OFF);

        Bound.assertIdentical(one, three);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("inFloat")
    void gradientsMayBeReducedDuringThePass(Sequences.Subject subject) throws Exception {
        List<MultiDataSet> batches = subject.batches(TIME, 6, 5);

        INDArray after = train(Gyre.local(2), subject, batches, 2, Overlap.OFF);
        INDArray during = train(Gyre.local(2), subject, batches, 2, Overlap.ON);

        Bound.assertIdentical(during, after);
    }

    /** Parameters of rank 0, after comparison with those of the others. */
    private static INDArray train(
            LocalCluster cluster,
            Sequences.Subject subject,
            List<MultiDataSet> batches,
            int microBatches,
            Overlap overlap)
            throws InterruptedException {
        List<INDArray> parameters = cluster.call(session -> {
            Model model = subject.model().get();
            try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                    .microBatches(microBatches)
                    .overlap(overlap)
                    .bucketBytes(400)
                    .build()) {
                trainer.fit(ShardedData.of(new BatchList(batches), Sharding.EXAMPLES), 1);
                assertThat(trainer.step()).isEqualTo((long) batches.size() * SEGMENTS);
            }
            return model.params();
        });
        parameters.forEach(ofRank -> Bound.assertIdentical(ofRank, parameters.get(0)));
        return parameters.get(0);
    }

    private static double difference(INDArray a, INDArray b) {
        return Nd4j.math().abs(a.sub(b)).maxNumber().doubleValue();
    }

    /** The reference is one process whose shorter sequences are padded and masked, and whose loss is a sum. */
    @Test
    void sequencesOfDifferentLengthOnEachRankAreThoseOfAPaddedBatch() throws Exception {
        int[] times = {8, 2, 5};
        int[] examples = {3, 4, 2};
        List<List<MultiDataSet>> ofRanks = IntStream.range(0, times.length)
                .mapToObj(rank -> List.of(batch(examples[rank], times[rank], rank), batch(4, 3 * rank + 1, 10 + rank)))
                .toList();
        List<MultiDataSet> padded = List.of(
                padded(ofRanks.stream().map(all -> all.get(0)).toList(), 8),
                padded(ofRanks.stream().map(all -> all.get(1)).toList(), 7));
        MultiLayerNetwork plain = summing();
        padded.forEach(plain::fit);

        List<String> steps = new ArrayList<>();
        List<INDArray> parameters = Gyre.local(times.length).call(session -> {
            int rank = session.world().rank();
            MultiLayerNetwork model = summing();
            try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                    .progressListener((step, epoch, total) -> {
                        if (rank == 0) {
                            steps.add(step + ": " + total.examples());
                        }
                    })
                    .build()) {
                FitReport report = trainer.fit(ShardedData.of(new BatchList(ofRanks.get(rank)), Sharding.OWN), 1);
                assertThat(report.examples()).isEqualTo(9 + 12);
                assertThat(trainer.score()).isCloseTo(plain.score(), within(ROUNDING));
            }
            return model.params();
        });

        parameters.forEach(ofRank -> Bound.assertIdentical(ofRank, parameters.get(0)));
        assertThat(difference(parameters.get(0), plain.params())).isLessThan(ROUNDING);
        // A rank whose sequences are over has no weight.
        assertThat(steps).containsExactly("1: 9", "2: 5", "3: 3", "4: 12", "5: 8", "6: 4");
    }

    private static MultiDataSet batch(int examples, int time, long seed) {
        return Sequences.maker(DataType.DOUBLE, false).of(examples, time, seed);
    }

    private static MultiLayerNetwork summing() {
        return Sequences.layered(
                TestModels.configuration(new Sgd(0.01), DataType.DOUBLE).miniBatch(false),
                new LSTM.Builder().nOut(6).build());
    }

    private static MultiDataSet padded(List<MultiDataSet> batches, int time) {
        List<INDArray> features = new ArrayList<>();
        List<INDArray> labels = new ArrayList<>();
        List<INDArray> masks = new ArrayList<>();
        for (MultiDataSet batch : batches) {
            features.add(padded(batch.getFeatures(0), time));
            labels.add(padded(batch.getLabels(0), time));
            INDArray ones = Nd4j.ones(
                    DataType.DOUBLE,
                    batch.getFeatures(0).size(0),
                    1,
                    batch.getFeatures(0).size(2));
            masks.add(padded(ones, time).reshape(ones.size(0), time));
        }
        INDArray mask = Nd4j.concat(0, masks.toArray(INDArray[]::new));
        return new MultiDataSet(
                Nd4j.concat(0, features.toArray(INDArray[]::new)),
                Nd4j.concat(0, labels.toArray(INDArray[]::new)),
                mask,
                mask.dup());
    }

    private static INDArray padded(INDArray sequences, int time) {
        INDArray result = Nd4j.zeros(DataType.DOUBLE, sequences.size(0), sequences.size(1), time);
        result.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(0, sequences.size(2)))
                .assign(sequences);
        return result;
    }

    /** Another segment, the same sums: the pass began in the state that the previous segment left, both times. */
    @Test
    void aPassThatIsRunAgainBeginsInTheSameState() {
        MultiDataSet batch = batch(6, TIME, 1);
        MultiLayerNetwork model = Sequences.lstm(new Sgd(0.1), DataType.DOUBLE);
        Replica replica = TestModels.replica(model, 1 << 20);
        MicroBatches passes = new MicroBatches(replica, 2, replica.earlierPasses(), 0, 1, BatchStatistics.OWN);
        passes.beginSegment(0);
        passes.backward(batch, null, 0);
        passes.beginSegment(1);

        double loss = passes.backward(batch, null, 1);
        INDArray sums = replica.gradientVector().dup();
        double again = passes.backward(batch, null, 1);

        assertThat(again).isEqualTo(loss);
        Bound.assertIdentical(replica.gradientVector(), sums);
        passes.beginSegment(0);
        passes.beginSegment(1);
        assertThat(passes.backward(batch, null, 1)).as("without that state").isNotEqualTo(loss);
    }

    /** Deeplearning4j evaluates such models by segments, too. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("inFloat")
    void evaluationIsThePlainOne(Sequences.Subject subject) throws Exception {
        List<MultiDataSet> batches = subject.batches(TIME, 6, 4, 3);
        Evaluation expected = new Evaluation();
        if (subject.model().get() instanceof MultiLayerNetwork layers) {
            layers.doEvaluation(new BatchList(batches), new Evaluation[] {expected});
        } else {
            ComputationGraph graph = (ComputationGraph) subject.model().get();
            graph.evaluate(new BatchList(batches), Map.of(0, new Evaluation[] {expected}));
        }

        Gyre.local(2).run(session -> {
            Model model = subject.model().get();
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                Evaluation found = trainer.evaluate(ShardedData.of(new BatchList(batches), Sharding.BATCHES));
                assertThat(found.stats()).isEqualTo(expected.stats());
            }
        });
    }
}
