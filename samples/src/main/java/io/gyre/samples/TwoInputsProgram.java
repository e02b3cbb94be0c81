package io.gyre.samples;

import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ExampleSource;
import io.gyre.dl4j.Gyre;
import io.gyre.dl4j.ShardedData;
import io.gyre.runs.RunDirectory;
import io.gyre.samples.data.DrawnDigits;
import io.gyre.samples.data.ImageSet;
import io.gyre.samples.data.Images;
import java.nio.file.Path;
import java.util.Map;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * A graph with two inputs: it is shown two digits, and learns which is the larger.
 *
 * <pre>{@code
 * bin/gyre run -n 2 -- io.gyre.samples.TwoInputsProgram runs/larger
 * }</pre>
 */
public final class TwoInputsProgram {

    private static final int PIXELS = 28 * 28;

    private TwoInputsProgram() {}

    /**
     * Trains and prints the accuracy on held-out pairs.
     *
     * @param arguments the run directory
     */
    public static void main(String[] arguments) {
        if (arguments.length != 1) {
            throw new IllegalArgumentException(
                    "expected one argument, RUN-DIR, and not " + arguments.length + ": see the class comment");
        }
        train(graph(), Path.of(arguments[0]), 10);
    }

    static ComputationGraph graph() {
        ComputationGraph graph = new ComputationGraph(configuration());
        graph.init();
        return graph;
    }

    /** Each digit has a layer of its own; the others see both. */
    private static ComputationGraphConfiguration configuration() {
        return new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(0.001))
                .weightInit(WeightInit.RELU)
                .activation(Activation.RELU)
                .graphBuilder()
                .addInputs("left", "right")
                .setInputTypes(InputType.feedForward(PIXELS), InputType.feedForward(PIXELS))
                .addLayer("seen left", new DenseLayer.Builder().nOut(64).build(), "left")
                .addLayer("seen right", new DenseLayer.Builder().nOut(64).build(), "right")
                .addVertex("both", new MergeVertex(), "seen left", "seen right")
                .addLayer("compared", new DenseLayer.Builder().nOut(32).build(), "both")
                .addLayer(
                        "larger",
                        new OutputLayer.Builder(LossFunction.MCXENT)
                                .activation(Activation.SOFTMAX)
                                .nOut(2)
                                .build(),
                        "compared")
                .setOutputs("larger")
                .build();
    }

    /** Returns the accuracy on 1,000 pairs that are held out. */
    static double train(ComputationGraph graph, Path directory, int epochs) {
        ImageSet digits = DrawnDigits.of(1);
        Map<String, Object> setup =
                Map.of("model", "graph with two inputs", "data", "pairs of digits", "batch", 32, "epochs", epochs);

        try (RunDirectory run = RunDirectory.create(directory, setup);
                DistributedTrainer trainer =
                        Gyre.builder(graph).rootObserver(run).build()) {
            trainer.fit(ShardedData.of(pairs(digits.train()), 32, 1), epochs);
            double accuracy = trainer.evaluate(ShardedData.of(pairs(digits.heldOut()), 100, 1))
                    .accuracy();

            trainer.exportModel(run.model());
            run.complete(trainer::onRoot, Map.of("accuracy", accuracy));
            if (trainer.world().isRoot()) {
                System.out.printf("accuracy %.3f after %d steps: %s%n", accuracy, trainer.step(), directory);
            }
            return accuracy;
        }
    }

    /** As many pairs as there are images: each is on the left of a pair, and on the right another digit after it. */
    static ExampleSource pairs(Images images) {
        return new ExampleSource() {
            @Override
            public int size() {
                return images.size();
            }

            @Override
            public MultiDataSet load(int[] indices) {
                float[] left = new float[indices.length * PIXELS];
                float[] right = new float[left.length];
                float[][] larger = new float[indices.length][2];
                for (int row = 0; row < indices.length; row++) {
                    int other = another(images, indices[row]);
                    images.read(indices[row], left, row * PIXELS);
                    images.read(other, right, row * PIXELS);
                    larger[row][images.label(indices[row]) > images.label(other) ? 0 : 1] = 1;
                }
                return new org.nd4j.linalg.dataset.MultiDataSet(
                        new INDArray[] {matrix(left, indices.length), matrix(right, indices.length)},
                        new INDArray[] {Nd4j.createFromArray(larger)});
            }
        };
    }

    private static int another(Images images, int index) {
        int other = index;
        do {
            other = (other + 1) % images.size();
        } while (images.label(other) == images.label(index));
        return other;
    }

    private static INDArray matrix(float[] values, int rows) {
        return Nd4j.createFromArray(values).reshape(rows, PIXELS);
    }
}
