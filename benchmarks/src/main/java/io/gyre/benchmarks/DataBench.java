package io.gyre.benchmarks;

import io.gyre.GyreException;
import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ShardedData;
import io.gyre.dl4j.Sharding;
import io.gyre.local.Gyre;
import io.gyre.session.Session;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Two trainers of equal models take turns on the same ranks, which are threads: in one every rank reads all data and
 * takes its rows ({@link Sharding#EXAMPLES}), in the other rank 0 reads for all ({@link Sharding#FROM_ROOT}). The model
 * computes next to nothing. Both must end with the same parameters.
 */
final class DataBench {

    private static final int INPUTS = 784;
    private static final int CLASSES = 10;
    private static final int BATCHES = 12;

    private final int ranks;
    private final int rowsPerRank;
    private final int rounds;
    private final double[] everyRank;
    private final double[] fromRoot;

    DataBench(int ranks, int rowsPerRank, int rounds) {
        this.ranks = ranks;
        this.rowsPerRank = rowsPerRank;
        this.rounds = rounds;
        everyRank = new double[rounds];
        fromRoot = new double[rounds];
    }

    DataResult run() throws Exception {
        Gyre.local(ranks).run(this::measure);
        double[] ratios = new double[rounds];
        Arrays.setAll(ratios, round -> fromRoot[round] / everyRank[round]);
        // Features and labels in FLOAT, of all ranks but rank 0.
        long sent = (long) (ranks - 1) * rowsPerRank * (INPUTS + CLASSES) * Float.BYTES;
        return new DataResult(median(everyRank), median(fromRoot), median(ratios), sent);
    }

    private void measure(Session session) {
        try (DistributedTrainer reading = DistributedTrainer.of(model(), session);
                DistributedTrainer given = DistributedTrainer.of(model(), session)) {
            ShardedData ofAll = data(Sharding.EXAMPLES);
            ShardedData ofRoot = data(Sharding.FROM_ROOT);
            int warmUp = (rounds + 2) / 3;
            for (int round = -warmUp; round < rounds; round++) {
                boolean readingFirst = round % 2 == 0;
                double first = millis(readingFirst ? reading : given, readingFirst ? ofAll : ofRoot);
                double second = millis(readingFirst ? given : reading, readingFirst ? ofRoot : ofAll);
                if (round >= 0 && session.world().isRoot()) {
                    everyRank[round] = readingFirst ? first : second;
                    fromRoot[round] = readingFirst ? second : first;
                }
            }
            if (!reading.parametersSha256().equals(given.parametersSha256())) {
                throw new GyreException("the two ways to read ended with different parameters");
            }
        }
    }

    /** Of a step. */
    private static double millis(DistributedTrainer trainer, ShardedData data) {
        long begin = System.nanoTime();
        trainer.fit(data, 1);
        return (System.nanoTime() - begin) / 1e6 / BATCHES;
    }

    private ShardedData data(Sharding sharding) {
        Random random = new Random(1);
        int rows = ranks * rowsPerRank;
        List<DataSet> batches = new ArrayList<>();
        for (int batch = 0; batch < BATCHES; batch++) {
            float[] pixels = new float[rows * INPUTS];
            float[] labels = new float[rows * CLASSES];
            for (int i = 0; i < pixels.length; i++) {
                pixels[i] = random.nextFloat();
            }
            for (int row = 0; row < rows; row++) {
                labels[row * CLASSES + random.nextInt(CLASSES)] = 1;
            }
            batches.add(new DataSet(Nd4j.create(pixels, rows, INPUTS), Nd4j.create(labels, rows, CLASSES)));
        }
        return ShardedData.of(new ListDataSetIterator<>(batches, rows), sharding);
    }

    private static MultiLayerNetwork model() {
        MultiLayerNetwork model = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Sgd(0.001))
                .list()
                .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(CLASSES)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.feedForward(INPUTS))
                .build());
        model.init();
        return model;
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[(sorted.length - 1) / 2];
    }
}
