package io.gyre.spark;

import java.io.Serializable;
import java.util.Iterator;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * Turns a partition's elements into data sets of any numbers of examples.
 *
 * @param <T> element
 */
@FunctionalInterface
interface ToBatches<T> extends Serializable {

    /**
     * Converts lazily.
     *
     * @param rank of the partition, for errors
     */
    Iterator<MultiDataSet> apply(Iterator<T> data, int rank);
}
