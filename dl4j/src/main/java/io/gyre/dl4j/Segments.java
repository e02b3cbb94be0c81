package io.gyre.dl4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The segments of truncated backpropagation through time: a batch's sequences, {@code [examples, size, time]}, are cut
 * into pieces of a number of steps of time, the last one perhaps shorter, and each piece is computed with the recurrent
 * state that the piece before it left. As {@code fit} cuts: arrays of another rank belong to every segment as a whole.
 *
 * <p>Williams and Peng: "An efficient gradient-based algorithm for on-line training of recurrent network trajectories",
 * Neural Computation 2, 1990.
 */
final class Segments {

    /** The length of segments where sequences are not cut: a batch is one segment. */
    static final int NONE = Integer.MAX_VALUE;

    private static final int TIME = 2;
    private static final int TIME_IN_MASK = 1;

    private Segments() {}

    /** Number of segments of a batch, for segments of a length. */
    static int count(MultiDataSet batch, int length) {
        long time = length == NONE ? 0 : time(batch);
        return time == 0 ? 1 : Math.toIntExact((time + length - 1) / length);
    }

    /** A view of a segment of a batch; the batch itself if it is not cut. */
    static MultiDataSet cut(MultiDataSet batch, int segment, int length) {
        long time = length == NONE ? 0 : time(batch);
        if (time == 0) {
            return batch;
        }
        long from = (long) segment * length;
        INDArrayIndex piece = NDArrayIndex.interval(from, Math.min(time, from + length));
        return new org.nd4j.linalg.dataset.MultiDataSet(
                cut(batch.getFeatures(), piece),
                cut(batch.getLabels(), piece),
                cutMasks(batch.getFeaturesMaskArrays(), time, piece),
                cutMasks(batch.getLabelsMaskArrays(), time, piece));
    }

    /**
     * Describes what a batch lacks to be cut; empty if nothing.
     *
     * @param everywhere whether all its features and labels must be sequences
     */
    static String lackingIn(MultiDataSet batch, boolean everywhere) {
        long time = time(batch);
        List<INDArray> arrays = new ArrayList<>();
        addAll(batch.getFeatures(), arrays);
        addAll(batch.getLabels(), arrays);
        boolean fits = arrays.stream().allMatch(array -> isSequence(array) ? array.size(TIME) == time : !everywhere);
        if (fits && time > 0) {
            return "";
        }
        return "sequences of one length to cut for truncated backpropagation through time, of shape"
                + " [examples, size, time], but arrays of "
                + String.join(
                        ", ",
                        arrays.stream()
                                .map(array -> Arrays.toString(array.shape()))
                                .toList());
    }

    private static void addAll(@Nullable INDArray @Nullable [] arrays, List<INDArray> to) {
        if (arrays == null) {
            return;
        }
        for (INDArray array : arrays) {
            if (array != null) {
                to.add(array);
            }
        }
    }

    private static boolean isSequence(@Nullable INDArray array) {
        return array != null && array.rank() == TIME + 1;
    }

    /** Steps of time of the first sequence among the features, else the labels; 0 if there is none. */
    private static long time(MultiDataSet batch) {
        long ofFeatures = time(batch.getFeatures());
        return ofFeatures == 0 ? time(batch.getLabels()) : ofFeatures;
    }

    private static long time(@Nullable INDArray @Nullable [] arrays) {
        if (arrays != null) {
            for (INDArray array : arrays) {
                if (array != null && isSequence(array)) {
                    return array.size(TIME);
                }
            }
        }
        return 0;
    }

    private static @Nullable INDArray @Nullable [] cut(@Nullable INDArray @Nullable [] arrays, INDArrayIndex piece) {
        @Nullable INDArray[] result = arrays == null ? null : arrays.clone();
        for (int i = 0; result != null && i < result.length; i++) {
            INDArray array = result[i];
            if (array != null && isSequence(array)) {
                result[i] = array.get(NDArrayIndex.all(), NDArrayIndex.all(), piece);
            }
        }
        return result;
    }

    /** Those of sequences have an element for each step of time; others belong to arrays that are not cut. */
    private static @Nullable INDArray @Nullable [] cutMasks(
            @Nullable INDArray @Nullable [] masks, long time, INDArrayIndex piece) {
        @Nullable INDArray[] result = masks == null ? null : masks.clone();
        for (int i = 0; result != null && i < result.length; i++) {
            INDArray mask = result[i];
            if (mask != null && mask.rank() == TIME_IN_MASK + 1 && mask.size(TIME_IN_MASK) == time) {
                result[i] = mask.get(NDArrayIndex.all(), piece);
            }
        }
        return result;
    }
}
