package io.gyre.dl4j;

import io.gyre.SharedCounter;
import io.gyre.World;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.adapter.MultiDataSetIteratorAdapter;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * Training or test data, and which part of them each rank reads.
 *
 * <p>In each step the ranks together process a <em>global batch</em>. A rank whose part of it is empty, or whose data have
 * ended before the others', takes part in the step with weight zero.
 *
 * <dl>
 *   <dt>Equality
 *   <dd>Every rank makes its own object, from equal data and with the same arguments; that is compared when training starts.
 *   <dt>Threading
 *   <dd>Batches are loaded by a thread of their own, at most two ahead, except from iterators that do not support it
 *       ({@code asyncSupported}). One pass runs at a time.
 * </dl>
 */
public abstract class ShardedData {

    /** Of the last pass; it may hang in the program's code. */
    private @Nullable LoadAhead lastLoader;

    ShardedData() {}

    /**
     * Shards a source. The order of the examples is drawn for every epoch from the seed alone, so that N ranks with batch B
     * see exactly the global batches that one rank with batch N B sees; a last batch that is smaller is divided as evenly as
     * possible.
     *
     * @param batchPerRank examples of each rank in a step, at least 1
     * @param seed of the order
     */
    public static ShardedData of(ExampleSource source, int batchPerRank, long seed) {
        return new ShardedExamples(source, batchPerRank, seed);
    }

    /**
     * Deals out the batches of a source: each rank takes the next one when it comes for it, so that a rank which is twice as slow
     * trains on half as many. For strategies that do not train in step; which rank gets what differs from run to run. Every batch
     * of an epoch is dealt once, in an order drawn from the seed; what a rank has taken and not trained on when it dies, or stops in
     * the middle of an epoch, nobody else gets: three batches at most.
     *
     * @param batch examples of a batch, at least 1
     * @param seed of the order
     * @param counter from 0, for these data alone; among processes one of {@code ParameterService.counter}. Used by the thread that
     *     loads batches
     */
    public static ShardedData dealt(ExampleSource source, int batch, long seed, SharedCounter counter) {
        return new DealtExamples(source, batch, seed, counter);
    }

    /**
     * Shards an iterator, which is reset at the beginning of every epoch if it supports that.
     *
     * @param iterator borrowed; with a pre-processor, if it has one
     */
    public static ShardedData of(DataSetIterator iterator, Sharding sharding) {
        return new ShardedIterator(
                new MultiDataSetIteratorAdapter(iterator), iterator.getClass().getName(), sharding, 1, 0);
    }

    /** As {@link #of(DataSetIterator, Sharding)}, for models with several inputs or outputs. */
    public static ShardedData of(MultiDataSetIterator iterator, Sharding sharding) {
        return new ShardedIterator(iterator, iterator.getClass().getName(), sharding, 1, 0);
    }

    /**
     * As {@link #of(DataSetIterator, Sharding)}, with the examples mixed among several batches, differently in every epoch.
     *
     * @param bufferBatches how many of the iterator's batches are held in memory and mixed, at least 2
     * @param seed of the order
     */
    public static ShardedData shuffled(DataSetIterator iterator, Sharding sharding, int bufferBatches, long seed) {
        return new ShardedIterator(
                new MultiDataSetIteratorAdapter(iterator),
                iterator.getClass().getName(),
                sharding,
                atLeastTwo(bufferBatches),
                seed);
    }

    /** As {@link #shuffled(DataSetIterator, Sharding, int, long)}, for models with several inputs or outputs. */
    public static ShardedData shuffled(MultiDataSetIterator iterator, Sharding sharding, int bufferBatches, long seed) {
        return new ShardedIterator(iterator, iterator.getClass().getName(), sharding, atLeastTwo(bufferBatches), seed);
    }

    private static int atLeastTwo(int bufferBatches) {
        if (bufferBatches < 2) {
            throw new IllegalArgumentException("bufferBatches " + bufferBatches + ": at least 2 can be mixed");
        }
        return bufferBatches;
    }

    /** Waits for the thread of the last pass, if that still reads. */
    final void awaitStraggler() {
        if (lastLoader != null) {
            lastLoader.awaitStraggler();
            lastLoader = null;
        }
    }

    /** Notes who loads the pass that has begun; null for nobody. */
    final void loadedBy(@Nullable LoadAhead loader) {
        lastLoader = loader;
    }

    /** In words, for comparison between ranks and with checkpoints: sizes, order, seed. */
    abstract String description();

    /** Whether {@link #pass} may run on another thread than the one that trains. */
    abstract boolean loadsAhead();

    /**
     * Begins a pass, which ends the one before.
     *
     * @param position where in the epoch; 0 is its beginning, others come from {@link #advance}
     * @return this rank's parts of the global batches; fewer than other ranks' if it has less data
     */
    abstract Iterator<Share> pass(World world, int epoch, long position);

    /** Position after the global batch at {@code position}; does not depend on how many ranks share the work of it. */
    abstract long advance(long position, World world);
}
