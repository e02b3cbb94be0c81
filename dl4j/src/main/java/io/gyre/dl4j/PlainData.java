package io.gyre.dl4j;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * What a model's own {@code fit} takes, as sharded data. As there, an iterator is reset only if it has nothing left,
 * and a single batch is a step that belongs to no epoch.
 *
 * @param sharding how the data are divided
 */
record PlainData(Sharding sharding) {

    ShardedData of(DataSetIterator iterator) {
        return ShardedIterator.asFitReads(iterator, sharding);
    }

    ShardedData of(MultiDataSetIterator iterator) {
        return ShardedIterator.asFitReads(iterator, sharding);
    }

    /** Test data, from their beginning; each rank takes whole batches. */
    ShardedData forEvaluation(DataSetIterator iterator) {
        return ShardedData.of(iterator, ofEvaluation());
    }

    /** As {@link #forEvaluation(DataSetIterator)}. */
    ShardedData forEvaluation(MultiDataSetIterator iterator) {
        return ShardedData.of(iterator, ofEvaluation());
    }

    private Sharding ofEvaluation() {
        return sharding == Sharding.FROM_ROOT ? Sharding.FROM_ROOT : Sharding.BATCHES;
    }

    ShardedData batch(org.nd4j.linalg.dataset.api.MultiDataSet batch) {
        return ShardedIterator.asFitReads(new SingleBatch(batch), sharding);
    }

    /** One batch; masks may be null. */
    ShardedData batch(
            INDArray[] features,
            INDArray[] labels,
            @Nullable INDArray @Nullable [] featuresMasks,
            @Nullable INDArray @Nullable [] labelsMasks) {
        return batch(new MultiDataSet(features, labels, featuresMasks, labelsMasks));
    }

    /** One batch of a model with one input and one output; masks may be null. */
    ShardedData batch(
            INDArray features, INDArray labels, @Nullable INDArray featuresMask, @Nullable INDArray labelsMask) {
        return batch(new INDArray[] {features}, new INDArray[] {labels}, group(featuresMask), group(labelsMask));
    }

    private static INDArray @Nullable [] group(@Nullable INDArray mask) {
        return mask == null ? null : new INDArray[] {mask};
    }
}
