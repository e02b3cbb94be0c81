package io.gyre.dl4j;

import io.gyre.World;
import io.gyre.session.SharedCounter;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * Training or test data, and which part of them each rank reads.
 *
 * <p>In each step the ranks together process a <em>global batch</em>. A rank whose part of it is empty, or whose data
 * have ended before the others', takes part in the step with weight zero.
 *
 * <dl>
 *   <dt>Equality
 *   <dd>Every rank makes its own object, with the same arguments; that is compared when training starts. What is read
 *       must be equal too, except by {@link Sharding#OWN}: every step compares a running fingerprint of it before any
 *       update. Of an {@link ExampleSource}, of which each rank reads other examples, some examples are read by all
 *       ranks to compare them. Two ranks of a process that are given the same iterator are refused.
 *   <dt>Ownership
 *   <dd>Iterators and sources are borrowed. A batch is used, or copied, before the next one is asked for, so they may
 *       reuse its memory. An iterator stays with a pass that is not finished, also between calls of {@code fit}: the
 *       program does not reset it then.
 *   <dt>Threading
 *   <dd>Batches are loaded by a thread of their own, at most two ahead, except from iterators that do not support it
 *       ({@code asyncSupported}). One pass runs at a time.
 * </dl>
 */
public abstract class ShardedData {

    /** Of a pass that was ended; it may hang in the program's code. */
    private @Nullable LoadAhead straggler;

    ShardedData() {}

    /**
     * Shards a source. The order of the examples is drawn for every epoch from the seed alone, so that N ranks with
     * batch B see exactly the global batches that one rank with batch N B sees; a last batch that is smaller is divided
     * as evenly as possible.
     *
     * @param batchPerRank examples of each rank in a step, at least 1
     * @param seed of the order
     */
    public static ShardedData of(ExampleSource source, int batchPerRank, long seed) {
        return new ShardedExamples(source, batchPerRank, seed);
    }

    /**
     * Deals out the batches of a source: each rank takes the next one when it comes for it, so that a rank which is
     * twice as slow trains on half as many. For strategies that do not train in step; which rank gets what differs from
     * run to run. Every batch of an epoch is dealt once, in an order drawn from the seed; what a rank has taken and not
     * trained on when it dies, or stops in the middle of an epoch, nobody else gets: three batches at most.
     *
     * @param batch examples of a batch, at least 1
     * @param seed of the order
     * @param counter from 0, for these data alone; among processes one of {@code ParameterService.counter}. Used by the
     *     thread that loads batches
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
        return new ShardedIterator(iterator, sharding, 1, 0);
    }

    /** As {@link #of(DataSetIterator, Sharding)}, for models with several inputs or outputs. */
    public static ShardedData of(MultiDataSetIterator iterator, Sharding sharding) {
        return new ShardedIterator(iterator, sharding, 1, 0);
    }

    /**
     * As {@link #of(DataSetIterator, Sharding)}, with the examples mixed among several batches, differently in every
     * epoch.
     *
     * @param bufferBatches how many of the iterator's batches are held in memory and mixed, at least 2
     * @param seed of the order
     */
    public static ShardedData shuffled(DataSetIterator iterator, Sharding sharding, int bufferBatches, long seed) {
        return new ShardedIterator(iterator, sharding, atLeastTwo(bufferBatches), seed);
    }

    /** As {@link #shuffled(DataSetIterator, Sharding, int, long)}, for models with several inputs or outputs. */
    public static ShardedData shuffled(MultiDataSetIterator iterator, Sharding sharding, int bufferBatches, long seed) {
        return new ShardedIterator(iterator, sharding, atLeastTwo(bufferBatches), seed);
    }

    private static int atLeastTwo(int bufferBatches) {
        if (bufferBatches < 2) {
            throw new IllegalArgumentException("bufferBatches " + bufferBatches + ": at least 2 can be mixed");
        }
        return bufferBatches;
    }

    /** Waits for the thread of a pass that was ended, if that still reads. */
    final void awaitStraggler() {
        if (straggler != null) {
            straggler.awaitStraggler();
            straggler = null;
        }
    }

    /** Notes who loaded a pass that was ended, and may not have heeded that yet. */
    final void leftTo(LoadAhead loader) {
        straggler = loader;
    }

    /** In words, for comparison between ranks and with checkpoints: sizes, order, seed. */
    abstract String description();

    /** The program's object that makes these data those and no others: an iterator, a source. */
    abstract Object identity();

    /** What two ranks of a process must not both have, besides this object. */
    abstract List<Object> unshareable();

    /** How much of an earlier pass over the same source may end because another begins. */
    abstract Claim.Use mayEnd();

    /** What this rank alone may use while it uses these data. */
    final List<Object> claimed() {
        List<Object> objects = new ArrayList<>(unshareable());
        objects.add(this);
        return objects;
    }

    /** Whether all ranks read the same data in the same order, so that shares have fingerprints. */
    abstract boolean isCompared();

    /** Whether these are the data of the earlier object: the same iterator or source, in the same order. */
    final boolean isSameAs(ShardedData earlier) {
        return identity() == earlier.identity() && description().equals(earlier.description());
    }

    /** Whether a pass over the earlier object's data is one over these: the same data, in the same steps. */
    boolean sharesPassWith(ShardedData earlier) {
        return isSameAs(earlier);
    }

    /** Whether the source has more for the pass over it; as long as a pass goes on, that changes by reading alone. */
    boolean hasMore() {
        return true;
    }

    /** Whether {@link #pass} may run on another thread than the one that trains. */
    abstract boolean loadsAhead();

    /**
     * Begins a pass, which ends the one before.
     *
     * @param place where to begin
     * @return this rank's parts of the global batches; fewer than other ranks' if it has less data
     */
    abstract Iterator<Share> pass(World world, Place place);

    /** Position after the global batch at {@code position}; does not depend on how many ranks share the work of it. */
    abstract long advance(long position, World world);
}
