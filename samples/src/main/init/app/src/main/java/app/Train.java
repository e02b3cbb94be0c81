package app;

import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ExampleSource;
import io.gyre.dl4j.FitReport;
import io.gyre.dl4j.ShardedData;
import io.gyre.local.Gyre;
import io.gyre.session.Session;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import java.util.Optional;
import java.util.Random;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Learns which of two spirals a point belongs to: a place to begin from. Replace the model and the data. */
public final class Train {

    private static final int EPOCHS = 100;
    private static final int BATCH_PER_RANK = 16;

    private Train() {}

    /** Trains on the ranks that a launcher has started, or else on two threads of this JVM. */
    public static void main(String[] arguments) throws InterruptedException {
        Optional<JoinOptions> launched = JoinOptions.ifLaunched();
        if (launched.isEmpty()) {
            Gyre.local(2).run(Train::train);
        } else {
            try (Session session = AeronSession.join(launched.get())) {
                train(session);
            }
        }
    }

    /** What each rank does. Returns the accuracy on points that the model has not seen, equal on all ranks. */
    static double train(Session session) {
        MultiLayerNetwork model = new MultiLayerNetwork(configuration());
        model.init();
        try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
            FitReport report = trainer.fit(ShardedData.of(spirals(512, 1), BATCH_PER_RANK, 1), EPOCHS);
            double accuracy =
                    trainer.evaluate(ShardedData.of(spirals(256, 2), 64, 1)).accuracy();
            if (session.world().isRoot()) {
                System.out.printf(
                        "%d ranks, %d steps: loss %.3f, accuracy %.3f%n",
                        session.world().size(), report.steps(), report.lastLoss(), accuracy);
            }
            return accuracy;
        }
    }

    private static MultiLayerConfiguration configuration() {
        return new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(0.01))
                .activation(Activation.TANH)
                .list()
                .layer(new DenseLayer.Builder().nIn(2).nOut(32).build())
                .layer(new DenseLayer.Builder().nOut(32).build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .nOut(2)
                        .build())
                .build();
    }

    /** Points of two intertwined spirals, and which of the two each is on. The same seed draws the same points. */
    private static ExampleSource spirals(int points, long seed) {
        Random random = new Random(seed);
        float[][] places = new float[points][];
        float[][] spirals = new float[points][2];
        for (int i = 0; i < points; i++) {
            int spiral = i % 2;
            double turn = 0.5 + 6 * random.nextDouble();
            double angle = turn + spiral * Math.PI;
            places[i] = new float[] {(float) (turn * Math.cos(angle) / 6), (float) (turn * Math.sin(angle) / 6)};
            spirals[i][spiral] = 1;
        }
        return ExampleSource.of(new DataSet(Nd4j.createFromArray(places), Nd4j.createFromArray(spirals)));
    }
}
