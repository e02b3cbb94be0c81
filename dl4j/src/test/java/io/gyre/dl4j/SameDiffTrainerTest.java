package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.gyre.GyreException;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.autodiff.listeners.At;
import org.nd4j.autodiff.listeners.BaseListener;
import org.nd4j.autodiff.listeners.ListenerResponse;
import org.nd4j.autodiff.listeners.Loss;
import org.nd4j.autodiff.listeners.Operation;
import org.nd4j.autodiff.listeners.records.LossCurve;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;

/** What a program has of a trained graph: listeners, evaluation, files, checkpoints, and the graph itself. */
class SameDiffTrainerTest {

    private static final DataType TYPE = DataType.DOUBLE;

    @TempDir
    Path directory;

    private static SameDiff perceptron() {
        return SameDiffGraphs.perceptron(new Adam(0.01), TYPE);
    }

    private static List<DataSet> batches() {
        return TestData.batches(TestData.vectors(20, TYPE, 1), 6);
    }

    private static ShardedData data() {
        return ShardedData.of(TestData.iterator(batches()), Sharding.EXAMPLES);
    }

    /** Writes down what it hears. */
    private static final class Recorder extends BaseListener {

        private final List<String> events = new ArrayList<>();
        private final List<Double> losses = new ArrayList<>();
        private double meanLoss;

        @Override
        public boolean isActive(Operation operation) {
            return operation == Operation.TRAINING;
        }

        private void heard(String what, At at) {
            events.add(what + " " + at.epoch() + " " + at.iteration());
        }

        @Override
        public void operationStart(SameDiff graph, Operation operation) {
            events.add("begin " + operation);
        }

        @Override
        public void operationEnd(SameDiff graph, Operation operation) {
            events.add("end " + operation);
        }

        @Override
        public void epochStart(SameDiff graph, At at) {
            heard("epoch begins", at);
        }

        @Override
        public ListenerResponse epochEnd(SameDiff graph, At at, LossCurve curve, long millis) {
            heard("epoch ends with " + curve.getLossNames(), at);
            meanLoss = curve.lastMeanLoss("loss");
            return ListenerResponse.CONTINUE;
        }

        @Override
        public void iterationStart(SameDiff graph, At at, MultiDataSet batch, long millis) {
            heard("step begins with " + batch.getFeatures(0).size(0), at);
        }

        @Override
        public void preUpdate(SameDiff graph, At at, Variable variable, INDArray update) {
            heard("update of " + variable.getName() + " " + update.sumNumber(), at);
        }

        @Override
        public void iterationDone(SameDiff graph, At at, MultiDataSet batch, Loss loss) {
            heard("step ends with " + loss.getLossNames(), at);
            losses.add(loss.totalLoss());
        }
    }

    @Test
    void listenersHearWhatTheyHearFromFit() throws Exception {
        Recorder fromFit = new Recorder();
        SameDiff plain = perceptron();
        plain.setListeners(fromFit);
        plain.fit(TestData.iterator(batches()), 2);

        Recorder fromTrainer = new Recorder();
        Gyre.local(1).run(session -> {
            SameDiff graph = perceptron();
            graph.setListeners(fromTrainer);
            try (DistributedTrainer trainer = DistributedTrainer.of(graph, session)) {
                trainer.fit(data(), 2);
                assertThat(trainer.score()).isEqualTo(fromTrainer.losses.get(fromTrainer.losses.size() - 1));
            }
        });

        assertThat(fromTrainer.meanLoss)
                .isCloseTo(
                        fromTrainer.losses.stream()
                                .skip(batches().size())
                                .mapToDouble(Double::doubleValue)
                                .average()
                                .orElseThrow(),
                        within(0.05));
        // Variables are updated together, so their order may differ.
        assertThat(fromTrainer.events).containsExactlyInAnyOrderElementsOf(fromFit.events);
        assertThat(withoutUpdates(fromTrainer))
                .isEqualTo(withoutUpdates(fromFit))
                .hasSize(2 + 2 * 2 + 2 * 2 * 4);
    }

    private static List<String> withoutUpdates(Recorder recorder) {
        return recorder.events.stream()
                .filter(each -> !each.startsWith("update"))
                .toList();
    }

    /** Those of {@code fit} lack the loss, unless gradients depend on its value. */
    private static List<Double> plainLosses() {
        SameDiff plain = perceptron();
        List<Double> losses = new ArrayList<>();
        for (DataSet batch : batches()) {
            Map<String, INDArray> placeholders = Map.of("in", batch.getFeatures(), "labels", batch.getLabels());
            losses.add(plain.output(placeholders, "loss").get("loss").getDouble(0) + plain.calcRegularizationScore());
            plain.fit(batch);
        }
        return losses;
    }

    /** Also a rank without examples: in the last step of an epoch two of four have none. */
    @Test
    void everyRankHearsTheLossOverAllRanks() throws Exception {
        List<Double> expected = plainLosses();

        List<Recorder> ofRanks = Gyre.local(4).call(session -> {
            Recorder own = new Recorder();
            SameDiff graph = perceptron();
            graph.setListeners(own);
            try (DistributedTrainer trainer = DistributedTrainer.of(graph, session)) {
                trainer.fit(data(), 1);
            }
            return own;
        });

        for (Recorder own : ofRanks) {
            assertThat(own.losses).hasSameSizeAs(expected);
            for (int step = 0; step < own.losses.size(); step++) {
                assertThat(own.losses.get(step)).isCloseTo(expected.get(step), within(1e-10));
            }
        }
    }

    @Test
    void aListenerThatWantsToStopStopsAllRanks() throws Exception {
        Gyre.local(2).run(session -> {
            SameDiff graph = perceptron();
            if (session.world().rank() == 1) {
                graph.setListeners(new BaseListener() {
                    @Override
                    public boolean isActive(Operation operation) {
                        return true;
                    }

                    @Override
                    public ListenerResponse epochEnd(SameDiff of, At at, LossCurve curve, long millis) {
                        return ListenerResponse.STOP;
                    }
                });
            }
            try (DistributedTrainer trainer = DistributedTrainer.of(graph, session)) {
                FitReport report = trainer.fit(data(), 3);
                assertThat(report.stopped()).isTrue();
                assertThat(report.steps()).isEqualTo(batches().size() + 1);
            }
        });
    }

    /** Counts the gradients that ops write where ranks reduce them, and those that are copied there. */
    private static final class Places extends BaseListener {

        private final Region gradients;
        private int inPlace;
        private int copied;

        Places(Region gradients) {
            this.gradients = gradients;
        }

        @Override
        public boolean isActive(Operation operation) {
            return operation == Operation.TRAINING;
        }

        @Override
        public void opExecution(
                SameDiff graph, At at, MultiDataSet batch, SameDiffOp op, OpContext context, INDArray[] outputs) {
            long begin = new org.bytedeco.javacpp.BytePointer(gradients.window(0)).address();
            for (int i = 0; i < outputs.length; i++) {
                String name = op.getOutputsOfOp().get(i);
                if (List.of("w0-grad", "b0-grad", "w1-grad", "b1-grad").contains(name)) {
                    long at0 = outputs[i].data().addressPointer().address() - begin;
                    if (at0 >= 0 && at0 < gradients.byteLength()) {
                        inPlace++;
                    } else {
                        copied++;
                    }
                }
            }
        }
    }

    @Test
    void opsWriteGradientsWhereRanksReduceThem() {
        SameDiffModel model = SameDiffModel.attach(perceptron());
        try (HostGradients place = new HostGradients(model.gradients())) {
            Places places = new Places(place.region());
            model.model().setListeners(places);
            GradientViews views = model.gradientViews(model.layout().bucketPlan(1 << 20));

            model.steps(place).backward(batches().get(0).toMultiDataSet(), null, views);

            assertThat(places.inPlace).isEqualTo(4);
            assertThat(places.copied).isZero();
        }
        model.close();
    }

    @Test
    void ranksEvaluateTheirSharesTogether() throws Exception {
        DataSet examples = TestData.vectors(50, TYPE, 1);
        Evaluation expected = new Evaluation();
        perceptron().evaluate(TestData.iterator(List.of(examples)), "out", expected);

        Gyre.local(3).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                Evaluation found = trainer.evaluate(ShardedData.of(ExampleSource.of(examples), 4, 1));
                assertThat(found.getConfusionMatrix()).isEqualTo(expected.getConfusionMatrix());
            }
        });
    }

    @Test
    void theExportedFileContinuesAsThePlainGraph() throws Exception {
        SameDiff plain = perceptron();
        plain.fit(TestData.iterator(batches()), 3);

        Path file = directory.resolve("graph.fb");
        Gyre.local(1).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                trainer.fit(data(), 2);
                trainer.exportModel(file);
            }
        });
        SameDiff loaded = SameDiff.load(file.toFile(), true);
        assertThat(loaded.getTrainingConfig().getEpochCount()).isEqualTo(2);
        loaded.fit(TestData.iterator(batches()), 1);

        Bound.assertIdentical(SameDiffGraphs.parameters(loaded), SameDiffGraphs.parameters(plain));
    }

    /** A file with Adam's state, loaded and trained on. */
    @Test
    void aLoadedGraphContinuesOnRanks() throws Exception {
        SameDiff plain = perceptron();
        plain.fit(TestData.iterator(batches()), 1);
        Path file = directory.resolve("graph.fb");
        plain.save(file.toFile(), true);
        plain.fit(TestData.iterator(batches()), 1);

        Gyre.local(1).run(session -> {
            SameDiff loaded = SameDiff.load(file.toFile(), true);
            try (DistributedTrainer trainer = DistributedTrainer.of(loaded, session)) {
                trainer.fit(data(), 1);
            }
            Bound.assertIdentical(SameDiffGraphs.parameters(loaded), SameDiffGraphs.parameters(plain));
        });
    }

    @Test
    void afterTheTrainerTheGraphIsAsBeforeAndTrainsOn() throws Exception {
        SameDiff plain = perceptron();
        plain.fit(TestData.iterator(batches()), 3);

        SameDiff graph = perceptron();
        INDArray own = graph.getVariable("w0").getArr();
        graph.fit(TestData.iterator(batches()), 1);
        Gyre.local(1).run(session -> {
            DistributedTrainer trainer = DistributedTrainer.of(graph, session);
            trainer.fit(data(), 1);
            assertThat(trainer.epoch()).isEqualTo(2);
            trainer.close();
            // A second call does nothing.
            trainer.close();
        });
        assertThat(graph.getVariable("w0").getArr()).isSameAs(own);
        graph.fit(TestData.iterator(batches()), 1);

        Bound.assertIdentical(SameDiffGraphs.parameters(graph), SameDiffGraphs.parameters(plain));
    }

    @Test
    void allRanksStartFromRankZero() throws Exception {
        Gyre.local(3).run(session -> {
            SameDiff graph = perceptron();
            graph.getVariable("w1").getArr().addi(session.world().rank());
            try (DistributedTrainer trainer = DistributedTrainer.of(graph, session)) {
                assertThat(trainer.parametersSha256OfAllRanks()).containsOnly(trainer.parametersSha256());
            }
            Bound.assertIdentical(
                    graph.getVariable("w1").getArr(),
                    perceptron().getVariable("w1").getArr());
        });
    }

    @Test
    void aRunThatWasKilledAndResumedEndsWithTheSameBits() throws Exception {
        INDArray expected = SameDiffGraphs.parameters(Gyre.local(2)
                .call(session -> program(session, false, Integer.MAX_VALUE))
                .get(0));
        Path before = directory;
        directory = before.resolve("killed");

        assertThatThrownBy(() -> Gyre.local(2).run(session -> program(session, false, 5)))
                .hasRootCauseMessage("killed");
        List<SameDiff> resumed = Gyre.local(2).call(session -> program(session, true, Integer.MAX_VALUE));

        assertThat(resumed).allSatisfy(graph -> {
            Bound.assertIdentical(SameDiffGraphs.parameters(graph), expected);
            assertThat(graph.getTrainingConfig().getEpochCount()).isEqualTo(3);
            assertThat(graph.getTrainingConfig().getIterationCount())
                    .isEqualTo(3 * batches().size());
        });
    }

    private SameDiff program(Session session, boolean resume, int killAt) {
        SameDiff graph = SameDiffGraphs.attention(new Adam(0.01), TYPE);
        List<DataSet> sequences = TestData.batches(SameDiffGraphs.sequences(20, TYPE, 1), 6);
        try (DistributedTrainer trainer = DistributedTrainer.builder(graph, session)
                .checkpointDirectory(directory)
                .checkpointEverySteps(2)
                .resume(resume)
                .progressListener((step, epoch, total) -> {
                    if (step == killAt && session.world().rank() == 1) {
                        throw new IllegalStateException("killed");
                    }
                })
                .build()) {
            trainer.fit(ShardedData.of(TestData.iterator(sequences), Sharding.EXAMPLES), 3);
        }
        return graph;
    }

    @Test
    void aGradientThatIsNotFiniteIsNamedWithItsRank() {
        List<DataSet> batches = batches();
        batches.get(1).getFeatures().putScalar(0, Double.NaN);

        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                        trainer.fit(ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES), 1);
                    }
                }))
                .hasRootCauseInstanceOf(GyreException.class)
                .hasMessageContaining("the gradients")
                .hasMessageContaining("of parameter w0 on rank 0");
    }

    @Test
    void aParameterThatDiffersOnOneRankIsNamed() {
        assertThatThrownBy(() -> Gyre.local(3).run(session -> {
                    SameDiff graph = SameDiffGraphs.perceptron(new Sgd(0.1), TYPE);
                    if (session.world().rank() == 2) {
                        graph.setListeners(new BaseListener() {
                            @Override
                            public boolean isActive(Operation operation) {
                                return true;
                            }

                            @Override
                            public void iterationDone(SameDiff of, At at, MultiDataSet batch, Loss loss) {
                                graph.getVariable("b1").setArray(Nd4j.ones(TYPE, 1, TestModels.CLASSES));
                            }
                        });
                    }
                    try (DistributedTrainer trainer = DistributedTrainer.of(graph, session)) {
                        trainer.fit(data(), 1);
                    }
                }))
                .hasRootCauseInstanceOf(GyreException.class)
                .hasMessageContaining("rank 2")
                .hasMessageContaining("element 0 of parameter b1");
    }
}
