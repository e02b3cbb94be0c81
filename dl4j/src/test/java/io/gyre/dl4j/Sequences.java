package io.gyre.dl4j;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.rnn.DuplicateToTimeSeriesVertex;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Named;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.StepSchedule;

/** Models with truncated backpropagation through time, and batches for them. */
@SuppressWarnings("deprecation") // Deprecated parts of Deeplearning4j are still in use.
final class Sequences {

    /** Steps of time per segment. */
    static final int SEGMENT = 3;

    private static final int STATIC_FEATURES = 4;

    /** A model, and one batch of it with a number of examples, steps of time and a seed. */
    record Subject(Supplier<Model> model, BatchMaker batches) {

        /** Batches of these sizes, all of a length. */
        List<MultiDataSet> batches(int time, int... sizes) {
            List<MultiDataSet> all = new ArrayList<>();
            for (int size : sizes) {
                all.add(batches.of(size, time, all.size() + 1));
            }
            return all;
        }
    }

    interface BatchMaker {
        MultiDataSet of(int examples, int time, long seed);
    }

    private Sequences() {}

    /** Every kind of recurrent layer that Deeplearning4j cuts, alone, masked, frozen and in a graph. */
    static Stream<Named<Subject>> subjects(Supplier<IUpdater> updater, DataType type) {
        return Stream.of(
                Named.of("LSTM", new Subject(() -> lstm(updater.get(), type), maker(type, false))),
                Named.of("LSTM with masks", new Subject(() -> lstm(updater.get(), type), maker(type, true))),
                Named.of(
                        "GravesLSTM",
                        new Subject(
                                () -> layered(
                                        TestModels.configuration(updater.get(), type),
                                        new GravesLSTM.Builder().nOut(6).build()),
                                maker(type, false))),
                Named.of(
                        "SimpleRnn",
                        new Subject(
                                () -> layered(
                                        TestModels.configuration(updater.get(), type),
                                        new SimpleRnn.Builder().nOut(6).build()),
                                maker(type, true))),
                Named.of(
                        "a frozen LSTM",
                        new Subject(
                                () -> layered(
                                        TestModels.configuration(updater.get(), type),
                                        new FrozenLayer(
                                                new LSTM.Builder().nOut(6).build())),
                                maker(type, false))),
                Named.of(
                        "a graph with vectors beside sequences",
                        new Subject(
                                () -> graph(TestModels.configuration(updater.get(), type)),
                                (examples, time, seed) -> mixed(type, examples, time, seed))));
    }

    /** A rate that changes within a batch: a schedule counts segments. */
    static StepSchedule changing(double rate) {
        return new StepSchedule(ScheduleType.ITERATION, rate, 0.8, 2);
    }

    static MultiLayerNetwork lstm(IUpdater updater, DataType type) {
        return layered(
                TestModels.configuration(updater, type).l2(0.01),
                new LSTM.Builder().nOut(7).build(),
                new LSTM.Builder().nOut(6).build());
    }

    static MultiLayerNetwork layered(NeuralNetConfiguration.Builder configuration, Layer... layers) {
        NeuralNetConfiguration.ListBuilder list = configuration.list();
        for (Layer layer : layers) {
            list.layer(layer);
        }
        list.layer(labelled())
                .setInputType(InputType.recurrent(TestModels.FEATURES))
                .backpropType(BackpropType.TruncatedBPTT)
                .tBPTTLength(SEGMENT);
        return TestModels.initialised(new MultiLayerNetwork(list.build()));
    }

    private static RnnOutputLayer labelled() {
        return new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .activation(Activation.SOFTMAX)
                .nOut(TestModels.CLASSES)
                .build();
    }

    /** Sequences and vectors go in, and both come out: vectors belong to every segment. */
    private static ComputationGraph graph(NeuralNetConfiguration.Builder configuration) {
        GraphBuilder graph = configuration
                .graphBuilder()
                .addInputs("sequence", "vector")
                .setInputTypes(InputType.recurrent(TestModels.FEATURES), InputType.feedForward(STATIC_FEATURES))
                .addVertex("repeated", new DuplicateToTimeSeriesVertex("sequence"), "vector")
                .addVertex("both", new MergeVertex(), "sequence", "repeated")
                .addLayer("lstm", new LSTM.Builder().nOut(7).build(), "both")
                .addVertex("last", new LastTimeStepVertex("sequence"), "lstm")
                .addLayer("classes", labelled(), "lstm")
                .addLayer(
                        "value",
                        new OutputLayer.Builder(LossFunction.MSE)
                                .activation(Activation.IDENTITY)
                                .nOut(2)
                                .build(),
                        "last")
                .setOutputs("classes", "value")
                .backpropType(BackpropType.TruncatedBPTT)
                .validateTbpttConfig(false)
                .tBPTTLength(SEGMENT);
        return TestModels.initialised(new ComputationGraph(graph.build()));
    }

    static BatchMaker maker(DataType type, boolean masked) {
        return (examples, time, seed) -> {
            INDArray mask = masked ? mask(type, examples, time, seed) : null;
            return new MultiDataSet(
                    TestData.gaussian(type, seed, examples, TestModels.FEATURES, time),
                    labels(type, examples, time, seed),
                    mask,
                    mask == null ? null : mask.dup());
        };
    }

    private static MultiDataSet mixed(DataType type, int examples, int time, long seed) {
        INDArray mask = mask(type, examples, time, seed);
        return new MultiDataSet(
                new INDArray[] {
                    TestData.gaussian(type, seed, examples, TestModels.FEATURES, time),
                    TestData.gaussian(type, seed + 50, examples, STATIC_FEATURES)
                },
                new INDArray[] {labels(type, examples, time, seed), TestData.gaussian(type, seed + 70, examples, 2)},
                new INDArray[] {mask, null},
                new INDArray[] {mask.dup(), null});
    }

    /** One class per example and step of time. */
    static INDArray labels(DataType type, int examples, int time, long seed) {
        Random random = new Random(~seed);
        INDArray labels = Nd4j.zeros(type, examples, TestModels.CLASSES, time);
        for (int i = 0; i < examples; i++) {
            for (int t = 0; t < time; t++) {
                labels.putScalar(new int[] {i, random.nextInt(TestModels.CLASSES), t}, 1);
            }
        }
        return labels;
    }

    /** Sequences end early, but none in the first segment. */
    private static INDArray mask(DataType type, int examples, int time, long seed) {
        Random random = new Random(seed);
        INDArray mask = Nd4j.ones(type, examples, time);
        for (int i = 0; i < examples; i++) {
            for (int t = SEGMENT + random.nextInt(time - SEGMENT + 1); t < time; t++) {
                mask.putScalar(i, t, 0);
            }
        }
        return mask;
    }
}
