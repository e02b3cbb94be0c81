package io.gyre.spark;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** A small task that can be learned: which of two spirals a point is on. */
final class Spirals {

    private Spirals() {}

    /** A point and its spiral. */
    record Point(double x, double y, int spiral) {

        DataSet dataSet() {
            return new DataSet(
                    Nd4j.createFromArray(new float[][] {{(float) x, (float) y}}),
                    Nd4j.createFromArray(new float[][] {spiral == 0 ? new float[] {1, 0} : new float[] {0, 1}}));
        }
    }

    static List<Point> points(int count, long seed) {
        Random random = new Random(seed);
        List<Point> points = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            double turn = 0.5 + 4 * random.nextDouble();
            double angle = turn + i % 2 * Math.PI;
            points.add(new Point(turn * Math.cos(angle) / 4, turn * Math.sin(angle) / 4, i % 2));
        }
        return points;
    }

    static List<DataSet> dataSets(int count, long seed) {
        return points(count, seed).stream().map(Point::dataSet).toList();
    }

    static MultiLayerNetwork model() {
        MultiLayerNetwork model = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(0.02))
                .activation(Activation.TANH)
                .list()
                .layer(new DenseLayer.Builder().nIn(2).nOut(24).build())
                .layer(new DenseLayer.Builder().nOut(24).build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .nOut(2)
                        .build())
                .build());
        model.init();
        return model;
    }
}
