package io.gyre.dl4j;

import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.broadcast.BroadcastAddOp;
import org.nd4j.linalg.api.ops.impl.broadcast.BroadcastMulOp;
import org.nd4j.linalg.api.ops.impl.broadcast.BroadcastSubOp;
import org.nd4j.linalg.api.ops.impl.reduce.floating.SquaredNorm;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Arithmetic of an array of four dimensions with a vector that has one element for each of its channels, in place.
 *
 * @param axis of the channels
 * @param others the other dimensions
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared, and never written.
record Channels(int axis, int[] others) {

    private static final Channels FIRST = new Channels(1, new int[] {0, 2, 3});
    private static final Channels LAST = new Channels(3, new int[] {0, 1, 2});

    /**
     * Where the channels of an array are. Deeplearning4j gives two dimensions as four, and lets the channels be the
     * second of them even where the layer's format has them last.
     *
     * @param count number of channels
     */
    static Channels of(INDArray array, CNN2DFormat format, long count) {
        return format == CNN2DFormat.NHWC && array.size(3) == count ? LAST : FIRST;
    }

    INDArray mean(INDArray array) {
        return array.mean(others);
    }

    INDArray sum(INDArray array) {
        return array.sum(others);
    }

    INDArray sumOfSquares(INDArray array) {
        return Nd4j.getExecutioner().exec(new SquaredNorm(array, others));
    }

    /** Writes the array minus the vector to another array. */
    void subtract(INDArray array, INDArray vector, INDArray to) {
        Nd4j.getExecutioner().exec(new BroadcastSubOp(array, vector, to, axis));
    }

    void multiply(INDArray array, INDArray vector) {
        Nd4j.getExecutioner().exec(new BroadcastMulOp(array, vector, array, axis));
    }

    void add(INDArray array, INDArray vector) {
        Nd4j.getExecutioner().exec(new BroadcastAddOp(array, vector, array, axis));
    }
}
