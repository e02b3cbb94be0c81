package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Error bounds for parameters, compared with those of one process.
 *
 * <p>Ranks sum the same products in another order. That changes a gradient's sum by a few units in the last place, and
 * the parameter's update by the same proportion; each step adds such an error, and momentum multiplies it by up to ten.
 * So the bound is 16 units in the last place of 1 per step. The largest error in these tests is a tenth of it; a wrong
 * weight of one example causes 100 times as much or more.
 *
 * <p>This holds for updates that are linear in the gradient. Adam's is {@code rate * m / (sqrt(v) + epsilon)}. If all
 * gradients of a parameter have been zero except for rounding errors, {@code m} and {@code sqrt(v)} change by no more
 * than a gradient does, and the update by {@code rate / epsilon} times that: the gain. It is never more, since
 * {@code m} is at most a few times {@code sqrt(v)}.
 */
final class Bound {

    private static final int UNITS_PER_STEP = 16;

    private Bound() {}

    /** Fails unless all elements are equal; {@code INDArray.equals} accepts a difference of 0.00001. */
    static void assertIdentical(INDArray actual, INDArray expected) {
        assertThat(actual.castTo(DataType.DOUBLE).ravel().toDoubleVector())
                .isEqualTo(expected.castTo(DataType.DOUBLE).ravel().toDoubleVector());
    }

    static void assertClose(INDArray actual, INDArray expected, int steps) {
        assertClose(actual, expected, steps, 1);
    }

    /** As above, for an updater that amplifies rounding errors by up to {@code gain}. */
    static void assertClose(INDArray actual, INDArray expected, int steps, double gain) {
        double unit = expected.dataType() == DataType.DOUBLE ? Math.ulp(1.0) : Math.ulp(1f);
        double difference = actual.castTo(DataType.DOUBLE)
                .sub(expected.castTo(DataType.DOUBLE))
                .amaxNumber()
                .doubleValue();
        assertThat(difference).isLessThanOrEqualTo(UNITS_PER_STEP * unit * steps * gain);
    }
}
