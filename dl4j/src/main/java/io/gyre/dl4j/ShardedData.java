package io.gyre.dl4j;

import io.gyre.World;
import io.gyre.session.Session;
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
 * <p>In each step the ranks together process a <em>global batch</em>. A rank whose part is empty, or whose data have
 * ended earlier, takes part in the step with weight zero.
 *
 * <dl>
 *   <dt>Equality
 *   <dd>Every rank creates its own object, with the same arguments; these are compared when training starts. The data
 *       read must be equal too, except with {@link Sharding#OWN}, and with {@link Sharding#FROM_ROOT}, for which rank 0
 *       alone reads: every step compares a running fingerprint before its update. From an {@link ExampleSource}, of
 *       which ranks read different examples, all ranks read some of the same examples to compare them. Two ranks of a
 *       process must not read the same iterator; that is rejected.
 *   <dt>Ownership
 *   <dd>Iterators and sources are borrowed. A batch is used, or copied, before the next one is requested, so they may
 *       reuse its memory. An unfinished pass keeps its iterator, also between calls of {@code fit}: the program must
 *       not reset it then.
 *   <dt>Threading
 *   <dd>Batches are loaded by a thread of their own, at most two ahead, except from iterators that do not support it
 *       ({@code asyncSupported}). One pass runs at a time.
 * </dl>
 */
public abstract class ShardedData {

    /** Loader of an ended pass; it may hang in the program's code. */
    private @Nullable LoadAhead straggler;

    ShardedData() {}

    /**
     * Shards a source. The order of the examples in an epoch depends on the seed and the epoch only, so N ranks with
     * batch B see exactly the global batches that one rank with batch N B sees; a smaller last batch is divided as
     * evenly as possible.
     *
     * @param batchPerRank examples of each rank in a step, at least 1
     * @param seed of the order
     */
    public static ShardedData of(ExampleSource source, int batchPerRank, long seed) {
        return new ShardedExamples(source, batchPerRank, seed);
    }

    /**
     * Deals the batches of a source: each goes to the rank that asks next, so a rank that is twice as slow trains on
     * half as many. For strategies whose ranks are not in lockstep; which rank gets which batch differs from run to
     * run. Every batch of an epoch is dealt once, in an order drawn from the seed. Batches that a rank has taken but
     * not trained on when it is lost, or when it stops in the middle of an epoch for good, are not dealt again: three
     * batches at most. A run that is resumed from a checkpoint deals those first that were taken and not trained on.
     *
     * @param batch examples of a batch, at least 1
     * @param seed of the order
     * @param counter from 0, used for these data only; between processes, one from {@code ParameterService.counter}.
     *     Used by the thread that loads batches
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
     * As {@link #of(DataSetIterator, Sharding)}, with the examples shuffled within groups of batches, differently in
     * every epoch.
     *
     * @param bufferBatches how many of the iterator's batches are held in memory and shuffled together, at least 2
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

    /** Waits for the thread of an ended pass, if it still reads. */
    final void awaitStraggler() {
        if (straggler != null) {
            straggler.awaitStraggler();
            straggler = null;
        }
    }

    /** Records the loader of an ended pass, which may still be running. */
    final void leftTo(LoadAhead loader) {
        straggler = loader;
    }

    /** Text that is compared between ranks and with checkpoints: sizes, order, seed. */
    abstract String description();

    /** The program's object that identifies these data: an iterator, a source. */
    abstract Object identity();

    /** Objects that two ranks of a process must not share, besides this object. */
    abstract List<Object> unshareable();

    /** The most active kind of use of an earlier pass over the same source that a new pass may end. */
    abstract Claim.Use mayEnd();

    /** Whether rank 0 reads for all ranks; the others then read nothing. */
    boolean isFromRoot() {
        return false;
    }

    /** Whether a process may read these data for several ranks, and another one later for the same ranks. */
    boolean suitsSeats() {
        return false;
    }

    /** Fails if these data cannot be divided in a run in which a process holds several ranks. */
    final void checkSeats(Session session) {
        if (!suitsSeats() && SeatChecks.concerns(session)) {
            throw new IllegalArgumentException(description() + ": " + SeatChecks.ONE_READING);
        }
    }

    /** Whether a rank reads these data. */
    final boolean isReadBy(World world) {
        return world.isRoot() || !isFromRoot();
    }

    /** Whether a pass over these data is an epoch: a single batch is a step without one. */
    boolean isEpoch() {
        return true;
    }

    /** Objects that a rank claims while it uses these data. */
    final List<Object> claimed(World world) {
        if (!isReadBy(world)) {
            return List.of();
        }
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

    /** Whether a pass over the earlier object's data is also one over these: the same data, in the same steps. */
    boolean sharesPassWith(ShardedData earlier) {
        return isSameAs(earlier);
    }

    /** Whether the source has more for its pass; during a pass only reading changes that. */
    boolean hasMore() {
        return true;
    }

    /**
     * Divides passes for checkpoints of ranks that are not in lockstep. Data of which each rank has a share of its own
     * have no borders.
     *
     * @param batches of all ranks from one border to the next
     */
    void setBorders(long batches) {}

    /** Whether there are borders, so that checkpoints by steps are written there. */
    boolean hasBorders() {
        return false;
    }

    /** Whether the pass has ended at a border, and not with the epoch. */
    boolean isAtBorder() {
        return false;
    }

    /** The last border that this rank has reached. */
    long lastBorder() {
        return 0;
    }

    /** Continues behind a border. */
    void passBorder(long passed) {}

    /** A share of these data was trained on. */
    void trained() {}

    /** Batches that were dealt to this rank, and on which it has not trained. */
    List<Long> unread() {
        return List.of();
    }

    /** Which batches all ranks have trained on, while none reads; of the root. */
    Dealing dealing(List<Long> unread) {
        return Dealing.NONE;
    }

    /** Continues where another run was. */
    void continueFrom(Dealing earlier) {}

    /** Whether {@link #pass} may run on another thread than the one that trains. */
    abstract boolean loadsAhead();

    /** The next pass is to read from the beginning of the source, wherever that is. */
    void restart() {}

    /**
     * Begins a pass, and ends the previous one.
     *
     * @param seats the ranks of this process; one, unless {@link #suitsSeats}
     * @param place where to begin
     * @return this process's parts of the global batches; fewer than other ranks' if it has less data
     */
    abstract Iterator<Share> pass(Seats seats, Place place);

    /** Position after the global batch at {@code position}; independent of the number of ranks that divide it. */
    abstract long advance(long position, World world);
}
