package io.gyre.dl4j;

import java.util.function.Function;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * A data set with random access to its examples. Prefer it for training: every rank reads only its own examples, and
 * every epoch has its own order.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>Called by one thread at a time, not the one that trains: batches are loaded ahead. It may be a different thread
 *       in every epoch.
 *   <dt>Randomness
 *   <dd>Before each call that thread's {@code Nd4j.getRandom()} is seeded from the data's seed, the epoch, the batch's
 *       position in it and the rank: augmentation that draws from it is reproduced when a run is repeated or resumed.
 * </dl>
 */
public interface ExampleSource {

    /** Number of examples; the same on all ranks, and constant. */
    int size();

    /**
     * Reads a batch.
     *
     * <p>Occasionally called for a single example that other ranks read too, to check that all have the same data.
     *
     * @param indices at least one, each from 0 to {@code size() - 1}
     * @return one row per index, in their order; its memory may be reused by the next call
     */
    MultiDataSet load(int[] indices);

    /** A source of data sets with one input and one output. */
    static ExampleSource of(int size, Function<int[], DataSet> loader) {
        return new ExampleSource() {
            @Override
            public int size() {
                return size;
            }

            @Override
            public MultiDataSet load(int[] indices) {
                return loader.apply(indices).toMultiDataSet();
            }
        };
    }

    /** A data set in memory. */
    static ExampleSource of(DataSet examples) {
        return of(examples.toMultiDataSet());
    }

    /** A data set in memory, with several inputs or outputs. */
    static ExampleSource of(MultiDataSet examples) {
        return new ExampleSource() {
            @Override
            public int size() {
                return Rows.count(examples);
            }

            @Override
            public MultiDataSet load(int[] indices) {
                return Rows.pick(examples, indices);
            }
        };
    }
}
