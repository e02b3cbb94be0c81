package io.gyre.samples;

import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ExampleSource;
import io.gyre.dl4j.Gyre;
import io.gyre.dl4j.ModelReader;
import io.gyre.dl4j.ShardedData;
import io.gyre.runs.RunDirectory;
import io.gyre.samples.data.DrawnDigits;
import io.gyre.samples.data.ImageSet;
import java.nio.file.Path;
import java.util.Map;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Transfer learning: a LeNet that has learned ten digits learns, from 512 examples, which digits are even. Its layers
 * are frozen, and its output is replaced.
 *
 * <pre>{@code
 * bin/gyre train lenet -n 2 --name lenet
 * bin/gyre run -n 2 -- io.gyre.samples.TransferProgram runs/lenet/model.zip runs/even
 * }</pre>
 */
public final class TransferProgram {

    private static final int EXAMPLES = 512;

    private TransferProgram() {}

    /**
     * Trains and prints the accuracy on the held-out digits.
     *
     * @param arguments the model to begin with, and the run directory
     */
    public static void main(String[] arguments) {
        if (arguments.length != 2) {
            throw new IllegalArgumentException("expected two arguments, MODEL.zip RUN-DIR, and not " + arguments.length
                    + ": see the class comment");
        }
        train(pretrained(Path.of(arguments[0])), Path.of(arguments[1]), 10);
    }

    /** The network of a file, as far as its last layer but one, frozen, and a new output of two classes. */
    static MultiLayerNetwork pretrained(Path file) {
        MultiLayerNetwork digits = ModelReader.create().multiLayerNetwork(file, false);
        int lastHidden = digits.getnLayers() - 2;
        int features = digits.layerSize(lastHidden);
        return new TransferLearning.Builder(digits)
                .fineTuneConfiguration(new FineTuneConfiguration.Builder()
                        .seed(1)
                        .updater(new Adam(0.01))
                        .build())
                .setFeatureExtractor(lastHidden)
                .removeOutputLayer()
                .addLayer(new OutputLayer.Builder(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .nIn(features)
                        .nOut(2)
                        .build())
                .build();
    }

    /** Returns the accuracy on 1,000 digits that are held out. */
    static double train(MultiLayerNetwork model, Path directory, int epochs) {
        ImageSet digits = DrawnDigits.of(2);
        Map<String, Object> setup =
                Map.of("model", "lenet, frozen", "data", "even and odd drawn digits", "batch", 32, "epochs", epochs);

        try (RunDirectory run = RunDirectory.create(directory, setup);
                DistributedTrainer trainer =
                        Gyre.builder(model).rootObserver(run).build()) {
            trainer.fit(ShardedData.of(evenOrOdd(digits.examples(), EXAMPLES), 32, 1), epochs);
            ExampleSource heldOut = digits.heldOutExamples();
            double accuracy = trainer.evaluate(ShardedData.of(evenOrOdd(heldOut, heldOut.size()), 100, 1))
                    .accuracy();

            trainer.exportModel(run.model());
            run.complete(trainer::onRoot, Map.of("accuracy", accuracy));
            if (trainer.world().isRoot()) {
                System.out.printf("accuracy %.3f after %d steps: %s%n", accuracy, trainer.step(), directory);
            }
            return accuracy;
        }
    }

    /** The first digits of a source, with the columns of their labels added up: those of even digits, and of odd. */
    static ExampleSource evenOrOdd(ExampleSource digits, int size) {
        return ExampleSource.of(size, indices -> {
            var batch = digits.load(indices);
            INDArray labels = Nd4j.zeros(indices.length, 2);
            for (int digit = 0; digit < 10; digit++) {
                labels.getColumn(digit % 2).addi(batch.getLabels(0).getColumn(digit));
            }
            return new DataSet(batch.getFeatures(0), labels);
        });
    }
}
