package io.gyre.dl4j;

import java.util.function.Function;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * A data set whose examples can be read in any order: the best thing to train from, because every rank reads its own
 * examples and nothing else, and every epoch has an order of its own.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread at a time, but not the one that trains: batches are loaded ahead of it. It may be another one in
 *       every epoch.
 *   <dt>Randomness
 *   <dd>Before each call that thread's {@code Nd4j.getRandom()} is seeded from the data's seed, the epoch, the place of
 *       the batch in it and the rank: augmentation that draws from it is the same when a run is repeated or resumed.
 * </dl>
 */
public interface ExampleSource {

    /** Number of examples; the same on all ranks, and constant. */
    int size();

    /**
     * Reads a batch.
     *
     * <p>Now and then a single example is asked for that other ranks ask for too, to find out whether all have the
     * same data.
     *
     * @param indices at least one, each from 0 to {@code size() - 1}
     * @return one row per index, in their order; may be written to again by the next call
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
