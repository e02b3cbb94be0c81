package io.gyre.samples;

import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ExampleSource;
import io.gyre.dl4j.Gyre;
import io.gyre.dl4j.ShardedData;
import io.gyre.runs.RunDirectory;
import io.gyre.samples.data.DrawnDigits;
import io.gyre.samples.data.ImageSet;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.modelimport.keras.KerasModelImport;
import org.deeplearning4j.nn.modelimport.keras.exceptions.InvalidKerasConfigurationException;
import org.deeplearning4j.nn.modelimport.keras.exceptions.UnsupportedKerasConfigurationException;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.dataset.DataSet;

/**
 * A model of Keras: Deeplearning4j reads the file, and Gyre trains what it returns on digits.
 *
 * <pre>{@code
 * bin/gyre run -n 2 -- io.gyre.samples.KerasProgram digits.h5 runs/keras
 * }</pre>
 *
 * <p>The file is a Sequential model that Keras 2 has saved after {@code compile}, as HDF5. It takes images of 28 by 28
 * pixels with one channel, channels last, and has ten classes.
 */
public final class KerasProgram {

    private static final int SIDE = 28;

    private KerasProgram() {}

    /**
     * Trains and prints the accuracy on the held-out digits.
     *
     * @param arguments the file of Keras, and the run directory
     * @throws IOException if the file cannot be read
     */
    public static void main(String[] arguments)
            throws IOException, InvalidKerasConfigurationException, UnsupportedKerasConfigurationException {
        if (arguments.length != 2) {
            throw new IllegalArgumentException("expected two arguments, MODEL.h5 RUN-DIR, and not " + arguments.length
                    + ": see the class comment");
        }
        train(imported(Path.of(arguments[0])), Path.of(arguments[1]), 3);
    }

    /** The network, with the loss and the optimiser that it was compiled with. */
    static MultiLayerNetwork imported(Path file)
            throws IOException, InvalidKerasConfigurationException, UnsupportedKerasConfigurationException {
        MultiLayerNetwork model = KerasModelImport.importKerasSequentialModelAndWeights(file.toString(), true);
        for (var layer : model.getLayers()) {
            withoutIdleDropout(layer.conf().getLayer());
        }
        return model;
    }

    /**
     * The importer gives each layer without dropout one that drops nothing, which fails in the backward pass of a
     * convolution with channels last: "Op [multiply] execution failed", in Deeplearning4j's own {@code fit} too.
     */
    private static void withoutIdleDropout(Layer layer) {
        if (layer.getIDropout() instanceof Dropout dropout && dropout.getP() == 1) {
            layer.setIDropout(null);
        }
    }

    /** Returns the accuracy on 1,000 digits that are held out. */
    static double train(MultiLayerNetwork model, Path directory, int epochs) {
        ImageSet digits = DrawnDigits.of(1);
        Map<String, Object> setup = Map.of("model", "of Keras", "data", "drawn digits", "batch", 32, "epochs", epochs);

        try (RunDirectory run = RunDirectory.create(directory, setup);
                DistributedTrainer trainer =
                        Gyre.builder(model).rootObserver(run).build()) {
            trainer.fit(ShardedData.of(channelsLast(digits.examples()), 32, 1), epochs);
            double accuracy = trainer.evaluate(ShardedData.of(channelsLast(digits.heldOutExamples()), 100, 1))
                    .accuracy();

            trainer.exportModel(run.model());
            run.complete(trainer::onRoot, Map.of("accuracy", accuracy));
            if (trainer.world().isRoot()) {
                System.out.printf("accuracy %.3f after %d steps: %s%n", accuracy, trainer.step(), directory);
            }
            return accuracy;
        }
    }

    /** Images in Keras' order: rows, columns, channels. With a single channel no pixel moves. */
    static ExampleSource channelsLast(ExampleSource digits) {
        return ExampleSource.of(digits.size(), indices -> {
            var batch = digits.load(indices);
            return new DataSet(batch.getFeatures(0).reshape(indices.length, SIDE, SIDE, 1), batch.getLabels(0));
        });
    }
}
