package io.gyre.dl4j;

import io.gyre.memory.Region;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Mean and variance of each channel of a layer's input over all ranks, from those of each rank.
 *
 * <p>Each rank contributes its number of values for each channel, their means, and the sums of their squared distances
 * from these means. The contributions are combined in the order of the ranks, after Chan, Golub, LeVeque: <i>Updating
 * formulae and a pairwise algorithm for computing sample variances</i>, Stanford STAN-CS-79-773, 1979. No large numbers
 * are subtracted from each other, as they would be in the difference of the mean square and the squared mean.
 *
 * <dl>
 *   <dt>Shape
 *   <dd>One row for each rank: the number of values, C means, C sums of squares, in double precision.
 *   <dt>Threading
 *   <dd>The thread that trains.
 * </dl>
 */
final class Moments {

    private final int ranks;
    private final int rank;
    private final int channels;
    private final INDArray gathered;
    private final INDArray ownMeans;
    private final INDArray ownSquares;
    private final Region rows;
    private final INDArray total;
    private final Region result;
    private double count;

    /**
     * Allocates the rows.
     *
     * @param ranks number of ranks
     * @param rank this one
     */
    Moments(int ranks, int rank, int channels) {
        this.ranks = ranks;
        this.rank = rank;
        this.channels = channels;
        gathered = Nd4j.createUninitializedDetached(DataType.DOUBLE, 'c', ranks, 1L + 2L * channels);
        gathered.assign(0);
        rows = HostMemory.region("batch statistics of all ranks", gathered);
        INDArray own = gathered.getRow(rank);
        ownMeans = own.get(NDArrayIndex.interval(1, 1L + channels));
        ownSquares = own.get(NDArrayIndex.interval(1L + channels, 1L + 2L * channels));
        total = Nd4j.createUninitializedDetached(DataType.DOUBLE, 'c', 2, channels);
        total.assign(0);
        result = HostMemory.region("batch statistics", total);
    }

    /** The rows, as the ranks add them up: only this rank's is not zero. */
    Region rows() {
        return rows;
    }

    /** Begins a pass in which this rank has no values. */
    void none() {
        gathered.assign(0);
        HostMemory.beginUse(gathered);
    }

    /**
     * Begins a pass.
     *
     * @param values number of values of each channel
     * @param means of each channel
     * @param squares of each channel: sums of squared distances from the mean
     */
    void own(long values, INDArray means, INDArray squares) {
        gathered.assign(0);
        ownMeans.assign(means);
        ownSquares.assign(squares);
        HostMemory.beginUse(gathered);
        rows.putDouble(at(rank, 0), (double) values);
        HostMemory.endUse(gathered);
    }

    private long at(int ofRank, int element) {
        return (ofRank * (1L + 2L * channels) + element) * Double.BYTES;
    }

    /** Combines the rows of all ranks. */
    void combine() {
        count = 0;
        for (int from = 0; from < ranks; from++) {
            double values = rows.getDouble(at(from, 0));
            if (values > 0) {
                add(from, values);
                count += values;
            }
        }
        for (int channel = 0; channel < channels; channel++) {
            long variance = (long) (channels + channel) * Double.BYTES;
            result.putDouble(variance, result.getDouble(variance) / count);
        }
        HostMemory.endUse(total);
    }

    /** Adds a rank's row to the sum of those before it. */
    private void add(int from, double values) {
        double all = count + values;
        for (int channel = 0; channel < channels; channel++) {
            double mean = rows.getDouble(at(from, 1 + channel));
            double squares = rows.getDouble(at(from, 1 + channels + channel));
            long meanAt = (long) channel * Double.BYTES;
            long squaresAt = (long) (channels + channel) * Double.BYTES;
            if (count > 0) {
                double distance = mean - result.getDouble(meanAt);
                squares += result.getDouble(squaresAt) + distance * distance * (count * values / all);
                mean = result.getDouble(meanAt) + distance * (values / all);
            }
            result.putDouble(meanAt, mean);
            result.putDouble(squaresAt, squares);
        }
    }

    /** Number of values of each channel, over all ranks. */
    double count() {
        return count;
    }

    /** The mean of each channel: a view. */
    INDArray means() {
        return total.getRow(0);
    }

    /** The variance of each channel, without Bessel's correction: a view. */
    INDArray variances() {
        return total.getRow(1);
    }
}
