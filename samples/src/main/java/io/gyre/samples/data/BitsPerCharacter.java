package io.gyre.samples.data;

import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.evaluation.BaseEvaluation;
import org.nd4j.evaluation.IMetric;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * How well a model predicts the next character: the mean of {@code -log2(p)} over all characters, where {@code p} is the
 * probability that the model gave to the one that came. A model that knows nothing has the binary logarithm of the size
 * of the alphabet. Labels and predictions have the shape {@code [batch, alphabet, time]}.
 *
 * <p>Not thread-safe.
 */
public final class BitsPerCharacter extends BaseEvaluation<BitsPerCharacter> {

    private static final long serialVersionUID = 1L;

    private static final int ALPHABET = 1;

    /** A float's probability may be 0, whose logarithm is infinite. */
    private static final double LEAST_PROBABILITY = 1e-30;

    private double bits;
    private double characters;

    /** The mean so far; NaN without any character. */
    public double mean() {
        return bits / characters;
    }

    @Override
    public void eval(
            INDArray labels,
            INDArray predictions,
            @Nullable INDArray mask,
            @Nullable List<? extends Serializable> metaData) {
        INDArray probabilities =
                labels.mul(predictions).sum(ALPHABET).castTo(DataType.DOUBLE).addi(LEAST_PROBABILITY);
        INDArray each = Transforms.log(probabilities, 2.0);
        if (mask != null) {
            each.muli(mask);
        }
        bits -= each.sumNumber().doubleValue();
        characters += mask == null ? each.length() : mask.sumNumber().doubleValue();
    }

    @Override
    public void merge(BitsPerCharacter other) {
        bits += other.bits;
        characters += other.characters;
    }

    @Override
    public void reset() {
        bits = 0;
        characters = 0;
    }

    @Override
    public String stats() {
        return "%.4f bits per character".formatted(mean());
    }

    @Override
    public double getValue(IMetric metric) {
        throw new IllegalArgumentException(metric + ": there is one value, the mean");
    }

    @Override
    public BitsPerCharacter newInstance() {
        return new BitsPerCharacter();
    }
}
