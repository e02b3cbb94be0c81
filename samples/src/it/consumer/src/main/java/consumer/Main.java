package consumer;

import io.gyre.local.Gyre;
import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ExampleSource;
import io.gyre.dl4j.FitReport;
import io.gyre.dl4j.ShardedData;
import java.util.List;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Shows that one dependency and a backend are enough: trains exclusive-or on two ranks of one JVM, without JVM flags.
 */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws InterruptedException {
        List<String> hashes = Gyre.local(2).call(session -> {
            MultiLayerNetwork model = new MultiLayerNetwork(exclusiveOrModel());
            model.init();
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                FitReport report = trainer.fit(ShardedData.of(exclusiveOrExamples(), 2, 1), 300);
                if (!(report.lastLoss() < 0.1)) {
                    throw new IllegalStateException("exclusive-or was not learned: " + report);
                }
                return trainer.parametersSha256();
            }
        });
        if (!hashes.get(0).equals(hashes.get(1))) {
            throw new IllegalStateException("the ranks' parameters differ: " + hashes);
        }
        System.out.println("exclusive-or learned by two ranks with equal parameters, " + hashes.get(0));
    }

    private static MultiLayerConfiguration exclusiveOrModel() {
        return new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(0.05))
                .list()
                .layer(new DenseLayer.Builder().nIn(2).nOut(8).activation(Activation.TANH).build())
                .layer(new OutputLayer.Builder(LossFunction.XENT).nOut(1).activation(Activation.SIGMOID).build())
                .build();
    }

    private static ExampleSource exclusiveOrExamples() {
        INDArray inputs = Nd4j.createFromArray(new float[][] {{0, 0}, {0, 1}, {1, 0}, {1, 1}});
        INDArray outputs = Nd4j.createFromArray(new float[][] {{0}, {1}, {1}, {0}});
        return ExampleSource.of(new DataSet(inputs, outputs));
    }
}
