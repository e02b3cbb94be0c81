package io.gyre.samples;

import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ShardedData;
import io.gyre.local.Gyre;
import io.gyre.samples.data.DrawnDigits;
import io.gyre.samples.data.ImageExamples;
import io.gyre.samples.data.ImageSet;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** A first program: two ranks, as threads of this JVM, learn to read digits. Needs no flag and no file. */
public final class FirstProgram {

    private FirstProgram() {}

    /** Trains for two passes over the data, and prints the accuracy on the held-out digits. */
    public static void main(String[] arguments) throws InterruptedException {
        ImageSet digits = DrawnDigits.of(1);

        Gyre.local(2).run(session -> {
            MultiLayerNetwork model = new MultiLayerNetwork(configuration());
            model.init();

            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                // 32 examples for each rank in a step: 64 altogether.
                trainer.fit(ShardedData.of(ImageExamples.train(digits), 32, 1), 2);
                Evaluation evaluation = trainer.evaluate(ShardedData.of(ImageExamples.heldOut(digits), 100, 1));

                if (session.world().isRoot()) {
                    System.out.printf("accuracy %.3f after %d steps%n", evaluation.accuracy(), trainer.step());
                }
            }
        });
    }

    /** A plain Deeplearning4j model: nothing in it refers to ranks. */
    private static MultiLayerConfiguration configuration() {
        return new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(0.001))
                .weightInit(WeightInit.RELU)
                .activation(Activation.RELU)
                .list()
                .layer(new DenseLayer.Builder().nOut(128).build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .nOut(10)
                        .build())
                .setInputType(InputType.convolutional(28, 28, 1))
                .build();
    }
}
