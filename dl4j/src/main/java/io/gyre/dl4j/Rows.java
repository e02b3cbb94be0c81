package io.gyre.dl4j;

import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Selects examples of a batch: the same rows of all its features, labels and masks. Copies are detached from workspaces
 * and stay valid.
 */
final class Rows {

    private Rows() {}

    /** Number of rows of the first features array. Other arrays may have other numbers. */
    static int count(MultiDataSet batch) {
        return Math.toIntExact(batch.getFeatures(0).size(0));
    }

    /** The number by which Deeplearning4j divides a batch's gradients: rows of the first labels, if there are any. */
    static int countTrained(MultiDataSet batch) {
        return batch.numLabelsArrays() == 0 || batch.getLabels(0) == null
                ? count(batch)
                : Math.toIntExact(batch.getLabels(0).size(0));
    }

    /** Fails unless there are features to train on. */
    static void checkFeatures(@Nullable MultiDataSet batch, String name) {
        if (batch == null) {
            throw new IllegalArgumentException(name + " is null: the iterator's next returned nothing");
        }
        @Nullable INDArray[] features = batch.getFeatures();
        if (features == null || features.length == 0) {
            throw new IllegalArgumentException(name + " has no features");
        }
        for (int i = 0; i < features.length; i++) {
            if (features[i] == null || features[i].isEmpty()) {
                throw new IllegalArgumentException(name + " has no features " + i
                        + (features[i] == null ? ": the array is null" : ": the array is empty"));
            }
        }
    }

    private static void checkDivisible(MultiDataSet batch) {
        long rows = batch.getFeatures(0).size(0);
        check(batch.getFeatures(), rows, "features");
        check(batch.getLabels(), rows, "labels");
        check(batch.getFeaturesMaskArrays(), rows, "features mask");
        check(batch.getLabelsMaskArrays(), rows, "labels mask");
    }

    private static void check(@Nullable INDArray @Nullable [] arrays, long rows, String what) {
        if (arrays == null) {
            return;
        }
        for (int i = 0; i < arrays.length; i++) {
            INDArray array = arrays[i];
            if (array != null && array.size(0) != rows) {
                throw new IllegalArgumentException("a batch cannot be divided by rows: features 0 has " + rows
                        + ", but " + what + " " + i + " has shape " + Arrays.toString(array.shape())
                        + ". Divide by Sharding.BATCHES or OWN, and without micro-batches: batches stay whole then.");
            }
        }
    }

    /** The rows from {@code from} to before {@code to}, copied; the batch itself if these are all. */
    static MultiDataSet slice(MultiDataSet batch, long from, long to) {
        if (from == 0 && to == count(batch)) {
            return batch;
        }
        checkDivisible(batch);
        return each(batch, array -> rows(array, from, to));
    }

    /**
     * The rows from {@code from} to before {@code to}, copied in row-major order. ND4J's {@code get} returns an empty
     * array for some parts of a view that begins less than its own length after the beginning of its buffer.
     */
    static INDArray rows(INDArray array, long from, long to) {
        INDArrayIndex[] range = new INDArrayIndex[array.rank()];
        Arrays.fill(range, NDArrayIndex.all());
        range[0] = NDArrayIndex.interval(from, to);
        INDArray view = array.get(range);
        return (view.isEmpty() ? array.dup('c').get(range) : view).dup('c');
    }

    /** The rows with these numbers, in this order, copied. */
    static MultiDataSet pick(MultiDataSet batch, int[] rows) {
        checkDivisible(batch);
        return each(batch, array -> {
            INDArray flat = array.dup('c').reshape('c', array.size(0), array.length() / array.size(0));
            long[] shape = array.shape().clone();
            shape[0] = rows.length;
            try {
                return Nd4j.pullRows(flat, 1, rows, 'c').reshape('c', shape);
            } finally {
                // ND4J frees an array's memory once the array is unreachable, even while its own native code reads it.
                Reference.reachabilityFence(flat);
            }
        });
    }

    /** A copy of the batch, which its source does not change later. */
    static MultiDataSet copy(MultiDataSet batch) {
        return each(batch, array -> array.dup(array.ordering()));
    }

    private static MultiDataSet each(MultiDataSet batch, UnaryOperator<INDArray> operator) {
        return outOfWorkspaces(() -> new org.nd4j.linalg.dataset.MultiDataSet(
                each(batch.getFeatures(), operator),
                each(batch.getLabels(), operator),
                each(batch.getFeaturesMaskArrays(), operator),
                each(batch.getLabelsMaskArrays(), operator)));
    }

    /** Creates arrays that outlive any workspace the thread may be in. */
    @SuppressWarnings("try") // The workspace is open for the arrays created meanwhile, and not used itself.
    static MultiDataSet outOfWorkspaces(Supplier<MultiDataSet> make) {
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            return make.get();
        }
    }

    private static @Nullable INDArray @Nullable [] each(
            @Nullable INDArray @Nullable [] arrays, UnaryOperator<INDArray> operator) {
        if (arrays == null) {
            return null;
        }
        @Nullable INDArray[] result = new INDArray[arrays.length];
        for (int i = 0; i < arrays.length; i++) {
            INDArray array = arrays[i];
            result[i] = array == null || array.isEmpty() ? array : operator.apply(array);
        }
        return result;
    }
}
