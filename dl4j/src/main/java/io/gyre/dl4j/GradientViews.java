package io.gyre.dl4j;

import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A model's gradient vector, and views of its parts. Valid until the model allocates another vector.
 *
 * <p>Most parts are sums over examples, until they are averaged. Some are means, such as BatchNorm's updates of its
 * running statistics, which Deeplearning4j does not divide by the number of examples later.
 *
 * @param vector in the model's shape
 * @param byParameter as the updater needs it
 * @param byLayer as clipping needs it
 * @param sums one for each parameter
 * @param means one for each parameter and bucket
 */
record GradientViews(
        INDArray vector,
        Gradient byParameter,
        IdentityHashMap<Trainable, Gradient> byLayer,
        List<INDArray> sums,
        List<Mean> means) {

    /**
     * A part of the gradients that is a mean over examples. It is within one bucket.
     *
     * @param offset start in the vector, in elements
     */
    record Mean(long offset, int bucket, INDArray array) {}

    /** Splits a model's gradients, and clears them. */
    static GradientViews of(Network network, BucketPlan plan) {
        INDArray vector = network.gradients();
        // Values that earlier use of the model left in parts that no layer writes would be summed in every step.
        vector.assign(0);
        INDArray flat = vector.reshape(vector.length());
        Gradient byParameter = new DefaultGradient(vector);
        // A layer's own hash code reads its arrays, also those that pretraining has left in a closed workspace.
        IdentityHashMap<Trainable, Gradient> byLayer = new IdentityHashMap<>();
        List<INDArray> sums = new ArrayList<>();
        List<Mean> means = new ArrayList<>();
        long offset = 0;
        for (Map.Entry<String, Trainable> trainable : network.trainables().entrySet()) {
            for (Map.Entry<String, INDArray> parameter :
                    trainable.getValue().paramTable(false).entrySet()) {
                long length = parameter.getValue().length();
                INDArray part = flat.get(NDArrayIndex.interval(offset, offset + length));
                if (trainable.getValue().getGradientsViewArray() != null) {
                    byParameter.setGradientFor(trainable.getKey() + "_" + parameter.getKey(), part);
                }
                byLayer.computeIfAbsent(trainable.getValue(), layer -> new DefaultGradient())
                        .setGradientFor(parameter.getKey(), part);
                if (trainable.getValue().updaterDivideByMinibatch(parameter.getKey())) {
                    sums.add(part);
                } else {
                    addByBucket(plan, flat, offset, offset + length, means);
                }
                offset += length;
            }
        }
        if (offset != vector.length()) {
            throw new IllegalStateException(
                    "the layers have " + offset + " parameters, and the gradient vector " + vector.length());
        }
        return new GradientViews(vector, byParameter, byLayer, sums, means);
    }

    /** Records means by the bucket in which they are exchanged; a layer larger than a bucket may be split anywhere. */
    private static void addByBucket(BucketPlan plan, INDArray flat, long from, long to, List<Mean> means) {
        for (Bucket bucket : plan.buckets()) {
            long begin = Math.max(from, bucket.offset());
            long end = Math.min(to, bucket.offset() + bucket.length());
            if (begin < end) {
                means.add(new Mean(begin, bucket.index(), flat.get(NDArrayIndex.interval(begin, end))));
            }
        }
    }

    /** The gradients as one flat vector: a view. */
    INDArray flat() {
        return vector.reshape(vector.length());
    }

    void clear() {
        vector.assign(0);
    }

    /** Turns the means of a bucket into sums, which ranks can add up. */
    void sumMeans(Bucket bucket, long examples) {
        for (Mean mean : means) {
            if (mean.bucket() == bucket.index()) {
                mean.array().muli(examples);
            }
        }
    }

    /** Undoes {@link #sumMeans} in all buckets, after the reduction. */
    void restoreMeans(long examples) {
        for (Mean mean : means) {
            mean.array().divi(examples);
        }
    }

    /** Turns the sums into means. */
    void averageSums(long examples) {
        for (INDArray sum : sums) {
            sum.divi(examples);
        }
    }
}
