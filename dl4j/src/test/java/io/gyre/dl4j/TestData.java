package io.gyre.dl4j;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

/** Random examples with random labels, from a seed. */
final class TestData {

    private TestData() {}

    static DataSet vectors(int examples, DataType type, long seed) {
        return new DataSet(gaussian(type, seed, examples, TestModels.FEATURES), oneHot(examples, type, seed));
    }

    static DataSet images(int examples, DataType type, long seed) {
        return new DataSet(
                gaussian(type, seed, examples, 2, TestModels.PIXELS, TestModels.PIXELS), oneHot(examples, type, seed));
    }

    static INDArray gaussian(DataType type, long seed, long... shape) {
        Random random = new Random(seed);
        double[] values = new double[Math.toIntExact(LongStream.of(shape).reduce(1, Math::multiplyExact))];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextGaussian();
        }
        return Nd4j.createFromArray(values).castTo(type).reshape(shape);
    }

    static INDArray oneHot(int examples, DataType type, long seed) {
        Random random = new Random(~seed);
        INDArray labels = Nd4j.zeros(type, examples, TestModels.CLASSES);
        for (int i = 0; i < examples; i++) {
            labels.putScalar(i, random.nextInt(TestModels.CLASSES), 1);
        }
        return labels;
    }

    /** Splits a data set into batches of these sizes, used cyclically. */
    static List<DataSet> batches(DataSet all, int... sizes) {
        List<DataSet> batches = new ArrayList<>();
        int from = 0;
        for (int i = 0; from < all.numExamples(); i++) {
            int to = Math.min(all.numExamples(), from + sizes[i % sizes.length]);
            batches.add((DataSet) all.getRange(from, to));
            from = to;
        }
        return batches;
    }

    static DataSetIterator iterator(List<DataSet> batches) {
        return new ExistingDataSetIterator(batches);
    }
}
