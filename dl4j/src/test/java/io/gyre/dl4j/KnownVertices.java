package io.gyre.dl4j;

import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.graph.AttentionVertex;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.FrozenVertex;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.L2NormalizeVertex;
import org.deeplearning4j.nn.conf.graph.L2Vertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.PoolHelperVertex;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.deeplearning4j.nn.conf.graph.ScaleVertex;
import org.deeplearning4j.nn.conf.graph.ShiftVertex;
import org.deeplearning4j.nn.conf.graph.StackVertex;
import org.deeplearning4j.nn.conf.graph.SubsetVertex;
import org.deeplearning4j.nn.conf.graph.UnstackVertex;
import org.deeplearning4j.nn.conf.graph.rnn.DuplicateToTimeSeriesVertex;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.graph.rnn.ReverseTimeSeriesVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SpaceToBatchLayer;
import org.deeplearning4j.nn.conf.preprocessor.Cnn3DToFeedForwardPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.CnnToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.ComposableInputPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnn3DPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.RnnToCnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.RnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.preprocessors.KerasFlattenRnnPreprocessor;
import org.deeplearning4j.preprocessors.PermutePreprocessor;
import org.deeplearning4j.preprocessors.ReshapePreprocessor;
import org.junit.jupiter.api.Named;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** A small graph for each vertex and pre-processor of layers that Deeplearning4j ships, with data for it. */
final class KnownVertices {

    private static final int FEATURES = TestModels.FEATURES;
    private static final int WIDTH = 8;
    private static final int STEPS = 6;
    private static final int SIDE = 4;

    private KnownVertices() {}

    static Stream<Named<FeaturesTest.Feature>> exact() {
        return Stream.of(ofVectors(), ofSequences(), preProcessors()).flatMap(each -> each);
    }

    private static Stream<Named<FeaturesTest.Feature>> ofVectors() {
        return Stream.of(
                one("ScaleVertex", new ScaleVertex(0.5)),
                one("ShiftVertex", new ShiftVertex(0.5)),
                one("SubsetVertex", new SubsetVertex(1, 5)),
                one("L2NormalizeVertex", new L2NormalizeVertex()),
                one("ReshapeVertex", new ReshapeVertex(-1, WIDTH / 2, 2)),
                Named.of(
                        "FrozenVertex",
                        vectors(graph -> graph.addVertex("half", new FrozenVertex(new ScaleVertex(0.5)), "in")
                                .addLayer("vertex", TestModels.dense(WIDTH), "half"))),
                two("ElementWiseVertex", new ElementWiseVertex(ElementWiseVertex.Op.Product)),
                two("MergeVertex", new MergeVertex()),
                two("L2Vertex", new L2Vertex()),
                Named.of(
                        "StackVertex and UnstackVertex",
                        vectors(graph -> branches(graph)
                                .addVertex("stack", new StackVertex(), "left", "right")
                                .addLayer("both", TestModels.dense(WIDTH), "stack")
                                .addVertex("vertex", new UnstackVertex(1, 2), "both"))),
                Named.of(
                        "SpaceToBatchLayer",
                        images(graph -> graph.addLayer("stem", TestModels.convolution(3), "in")
                                .addLayer("quarters", new SpaceToBatchLayer.Builder<>(new int[] {2, 2}).build(), "stem")
                                .addVertex("vertex", new UnstackVertex(1, 4), "quarters"))),
                Named.of(
                        "PoolHelperVertex",
                        images(graph -> graph.addLayer("stem", TestModels.convolution(3), "in")
                                .addVertex("helped", new PoolHelperVertex(), "stem")
                                .addLayer("vertex", new GlobalPoolingLayer(), "helped"))));
    }

    private static Named<FeaturesTest.Feature> one(String name, GraphVertex vertex) {
        return Named.of(
                name,
                name.equals("ReshapeVertex")
                        ? vectors(graph -> graph.addLayer("left", TestModels.dense(WIDTH), "in")
                                .addVertex("sequences", vertex, "left")
                                .addVertex("vertex", new LastTimeStepVertex("in"), "sequences"))
                        : vectors(graph -> graph.addLayer("left", TestModels.dense(WIDTH), "in")
                                .addVertex("vertex", vertex, "left")));
    }

    private static Named<FeaturesTest.Feature> two(String name, GraphVertex vertex) {
        return Named.of(name, vectors(graph -> branches(graph).addVertex("vertex", vertex, "left", "right")));
    }

    private static GraphBuilder branches(GraphBuilder graph) {
        return graph.addLayer("left", TestModels.dense(WIDTH), "in").addLayer("right", TestModels.dense(WIDTH), "in");
    }

    private static FeaturesTest.Feature vectors(UnaryOperator<GraphBuilder> middle) {
        return graph(InputType.feedForward(FEATURES), KnownParts.gaussian(FEATURES), middle);
    }

    private static FeaturesTest.Feature images(UnaryOperator<GraphBuilder> middle) {
        return graph(InputType.convolutional(SIDE, SIDE, 2), KnownParts.gaussian(2, SIDE, SIDE), middle);
    }

    private static FeaturesTest.Feature sequences(UnaryOperator<GraphBuilder> middle) {
        return graph(InputType.recurrent(FEATURES, STEPS), KnownParts.gaussian(FEATURES, STEPS), middle);
    }

    /** From vertex "in" through "vertex" to a class for each example. */
    private static FeaturesTest.Feature graph(InputType input, INDArray features, UnaryOperator<GraphBuilder> middle) {
        return new FeaturesTest.Feature(
                () -> TestModels.initialised(new ComputationGraph(middle.apply(
                                KnownParts.sgd().graphBuilder().addInputs("in").setInputTypes(input))
                        .addLayer("out", TestModels.softmax(), "vertex")
                        .setOutputs("out")
                        .build())),
                () -> KnownParts.batches(new DataSet(features, KnownParts.oneHot()).toMultiDataSet()));
    }

    private static Stream<Named<FeaturesTest.Feature>> ofSequences() {
        return Stream.of(
                Named.of(
                        "LastTimeStepVertex",
                        sequences(graph -> graph.addLayer("left", lstm(), "in")
                                .addVertex("vertex", new LastTimeStepVertex("in"), "left"))),
                Named.of(
                        "ReverseTimeSeriesVertex",
                        sequences(graph -> graph.addLayer("left", lstm(), "in")
                                .addVertex("reverse", new ReverseTimeSeriesVertex("in"), "left")
                                .addVertex("vertex", new LastTimeStepVertex("in"), "reverse"))),
                Named.of(
                        "DuplicateToTimeSeriesVertex",
                        sequences(graph -> graph.addLayer("left", lstm(), "in")
                                .addVertex("last", new LastTimeStepVertex("in"), "left")
                                .addVertex("all", new DuplicateToTimeSeriesVertex("in"), "last")
                                .addLayer("right", lstm(), "all")
                                .addVertex("vertex", new LastTimeStepVertex("in"), "right"))),
                Named.of(
                        "AttentionVertex",
                        sequences(graph -> graph.addVertex(
                                        "attention",
                                        new AttentionVertex.Builder()
                                                .nInKeys(FEATURES)
                                                .nInQueries(FEATURES)
                                                .nInValues(FEATURES)
                                                .nOut(WIDTH)
                                                .nHeads(2)
                                                .projectInput(true)
                                                .build(),
                                        "in",
                                        "in",
                                        "in")
                                .addVertex("vertex", new LastTimeStepVertex("in"), "attention"))));
    }

    private static LSTM lstm() {
        return new LSTM.Builder().nOut(4).build();
    }

    /** Deeplearning4j adds some of them itself between layers of different kinds. */
    private static Stream<Named<FeaturesTest.Feature>> preProcessors() {
        return Stream.of(
                Named.of(
                        "PreprocessorVertex",
                        images(graph -> graph.addLayer("stem", TestModels.convolution(3), "in")
                                .addVertex(
                                        "vertex",
                                        new PreprocessorVertex(new CnnToFeedForwardPreProcessor(SIDE, SIDE, 3)),
                                        "stem"))),
                Named.of(
                        "CnnToRnnPreProcessor",
                        images(graph -> graph.addLayer("stem", TestModels.convolution(3), "in")
                                .addVertex(
                                        "sequences",
                                        new PreprocessorVertex(new CnnToRnnPreProcessor(SIDE, SIDE, 3)),
                                        "stem")
                                .addVertex(
                                        "vertex",
                                        new PreprocessorVertex(new RnnToCnnPreProcessor(SIDE, SIDE, 3)),
                                        "sequences"))),
                dense(
                        "FeedForwardToCnn3DPreProcessor",
                        new ComposableInputPreProcessor(
                                new FeedForwardToCnn3DPreProcessor(2, 2, 2, 1, true),
                                new Cnn3DToFeedForwardPreProcessor(2, 2, 2, 1, Convolution3D.DataFormat.NCDHW))),
                dense("ReshapePreprocessor", new ReshapePreprocessor(new long[] {WIDTH}, new long[] {2, 2, 2}, false)),
                Named.of("FeedForwardToRnnPreProcessor", perStep()),
                Named.of(
                        "PermutePreprocessor",
                        sequences(graph -> graph.addLayer("left", lstm(), "in")
                                .addVertex("turned", new PreprocessorVertex(new PermutePreprocessor(2, 1)), "left")
                                .addVertex(
                                        "vertex",
                                        new PreprocessorVertex(new KerasFlattenRnnPreprocessor(STEPS, 4)),
                                        "turned"))));
    }

    private static Named<FeaturesTest.Feature> dense(String name, InputPreProcessor preProcessor) {
        return Named.of(
                name,
                vectors(graph -> graph.addLayer("left", TestModels.dense(WIDTH), "in")
                        .addVertex("vertex", new PreprocessorVertex(preProcessor), "left")));
    }

    /** A dense layer on every step of a sequence, between recurrent ones. */
    private static FeaturesTest.Feature perStep() {
        return new FeaturesTest.Feature(
                () -> TestModels.initialised(new ComputationGraph(KnownParts.sgd()
                        .graphBuilder()
                        .addInputs("in")
                        .setInputTypes(InputType.recurrent(FEATURES, STEPS))
                        .addLayer("left", lstm(), "in")
                        .addVertex("flat", new PreprocessorVertex(new RnnToFeedForwardPreProcessor()), "left")
                        .addVertex("sequences", new PreprocessorVertex(new FeedForwardToRnnPreProcessor()), "flat")
                        .addLayer(
                                "out",
                                new RnnOutputLayer.Builder(LossFunction.MSE)
                                        .activation(Activation.IDENTITY)
                                        .nOut(TestModels.CLASSES)
                                        .build(),
                                "sequences")
                        .setOutputs("out")
                        .build())),
                () -> KnownParts.batches(new DataSet(
                                KnownParts.gaussian(FEATURES, STEPS), KnownParts.gaussian(TestModels.CLASSES, STEPS))
                        .toMultiDataSet()));
    }
}
