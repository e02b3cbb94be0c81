package io.gyre.samples;

import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ExampleSource;
import io.gyre.dl4j.Gyre;
import io.gyre.dl4j.ShardedData;
import io.gyre.runs.RunDirectory;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * An LSTM on sequences of 4 to 24 steps: random walks, of which it learns whether they end above where they began. A
 * batch has one length, so shorter walks are filled up with steps of no meaning, which a mask hides.
 *
 * <pre>{@code
 * bin/gyre run -n 2 -- io.gyre.samples.MaskedSequencesProgram runs/walks
 * }</pre>
 */
public final class MaskedSequencesProgram {

    private static final int LONGEST = 24;
    private static final int SHORTEST = 4;

    private MaskedSequencesProgram() {}

    /**
     * Trains and prints the accuracy on held-out walks.
     *
     * @param arguments the run directory
     */
    public static void main(String[] arguments) {
        if (arguments.length != 1) {
            throw new IllegalArgumentException(
                    "expected one argument, RUN-DIR, and not " + arguments.length + ": see the class comment");
        }
        train(network(), Path.of(arguments[0]), 10);
    }

    static MultiLayerNetwork network() {
        MultiLayerNetwork network = new MultiLayerNetwork(configuration());
        network.init();
        return network;
    }

    private static MultiLayerConfiguration configuration() {
        return new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(0.01))
                .list()
                // The last step that the mask does not hide.
                .layer(new LastTimeStep(
                        new LSTM.Builder().nOut(16).activation(Activation.TANH).build()))
                .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .nOut(2)
                        .build())
                .setInputType(InputType.recurrent(1))
                .build();
    }

    /** Returns the accuracy on 1,000 walks that are held out. */
    static double train(MultiLayerNetwork network, Path directory, int epochs) {
        Map<String, Object> setup =
                Map.of("model", "LSTM of 16 units", "data", "random walks", "batch", 32, "epochs", epochs);

        try (RunDirectory run = RunDirectory.create(directory, setup);
                DistributedTrainer trainer =
                        Gyre.builder(network).rootObserver(run).build()) {
            trainer.fit(ShardedData.of(ExampleSource.of(walks(2_000, 1)), 32, 1), epochs);
            double accuracy = trainer.evaluate(ShardedData.of(ExampleSource.of(walks(1_000, 2)), 100, 1))
                    .accuracy();

            trainer.exportModel(run.model());
            run.complete(trainer::onRoot, Map.of("accuracy", accuracy));
            if (trainer.world().isRoot()) {
                System.out.printf("accuracy %.3f after %d steps: %s%n", accuracy, trainer.step(), directory);
            }
            return accuracy;
        }
    }

    /** Walks of several lengths: features {@code [count, 1, LONGEST]}, mask {@code [count, LONGEST]}. */
    static DataSet walks(int count, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] steps = new float[count * LONGEST];
        float[][] mask = new float[count][LONGEST];
        float[][] above = new float[count][2];
        for (int walk = 0; walk < count; walk++) {
            int length = random.nextInt(SHORTEST, LONGEST + 1);
            float height = 0;
            for (int time = 0; time < LONGEST; time++) {
                float step = (float) random.nextDouble(-1, 1);
                steps[walk * LONGEST + time] = step;
                if (time < length) {
                    mask[walk][time] = 1;
                    height += step;
                }
            }
            above[walk][height > 0 ? 1 : 0] = 1;
        }
        return new DataSet(
                Nd4j.createFromArray(steps).reshape(count, 1, LONGEST),
                Nd4j.createFromArray(above),
                Nd4j.createFromArray(mask),
                null);
    }
}
