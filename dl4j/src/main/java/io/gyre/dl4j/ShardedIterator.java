package io.gyre.dl4j;

import io.gyre.Chunk;
import io.gyre.World;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.adapter.MultiDataSetIteratorAdapter;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A sharded iterator. Positions count its batches. */
final class ShardedIterator extends ShardedData {

    private static final Logger LOG = LoggerFactory.getLogger(ShardedIterator.class);

    private final MultiDataSetIterator iterator;
    private final Object source;
    private final String kind;
    private final Sharding sharding;
    private final int bufferBatches;
    private final long seed;
    /** Whether a pass begins where the iterator is, unless that is its end, as in {@code fit}. */
    private final boolean keepsPlace;

    private boolean used;
    private boolean restarted;
    private boolean warnedOfFewer;
    private long mostBatches;
    private @Nullable BatchStream current;

    ShardedIterator(DataSetIterator iterator, Sharding sharding, int bufferBatches, long seed) {
        this(new MultiDataSetIteratorAdapter(iterator), iterator, sharding, bufferBatches, seed, false);
    }

    ShardedIterator(MultiDataSetIterator iterator, Sharding sharding, int bufferBatches, long seed) {
        this(iterator, iterator, sharding, bufferBatches, seed, false);
    }

    private ShardedIterator(
            MultiDataSetIterator iterator,
            Object source,
            Sharding sharding,
            int bufferBatches,
            long seed,
            boolean keepsPlace) {
        this.iterator = iterator;
        this.source = source;
        this.kind = source.getClass().getName();
        this.sharding = sharding;
        this.bufferBatches = bufferBatches;
        this.seed = seed;
        this.keepsPlace = keepsPlace;
    }

    /** An iterator that is reset, as a model's own {@code fit} does it, only if it has nothing left. */
    static ShardedIterator asFitReads(DataSetIterator iterator, Sharding sharding) {
        return new ShardedIterator(new MultiDataSetIteratorAdapter(iterator), iterator, sharding, 1, 0, true);
    }

    /** As {@link #asFitReads(DataSetIterator, Sharding)}, for models with several inputs or outputs. */
    static ShardedIterator asFitReads(MultiDataSetIterator iterator, Sharding sharding) {
        return new ShardedIterator(iterator, iterator, sharding, 1, 0, true);
    }

    @Override
    String description() {
        String order = bufferBatches == 1 ? "in order" : "mixed over " + bufferBatches + " batches from seed " + seed;
        return kind + " divided by " + sharding + ", " + order;
    }

    @Override
    Object identity() {
        return source;
    }

    @Override
    List<Object> unshareable() {
        return IteratorChain.of(source);
    }

    @Override
    Claim.Use mayEnd() {
        return iterator.resetSupported() ? Claim.Use.BETWEEN_CALLS : Claim.Use.NONE;
    }

    @Override
    boolean isCompared() {
        return sharding != Sharding.OWN;
    }

    @Override
    boolean isFromRoot() {
        return sharding == Sharding.FROM_ROOT;
    }

    @Override
    boolean isEpoch() {
        return !(source instanceof SingleBatch);
    }

    @Override
    boolean loadsAhead() {
        return iterator.asyncSupported();
    }

    @Override
    boolean hasMore() {
        // An iterator that cannot be reset cannot be read twice by mistake, and calling hasNext() might block for ever.
        return !iterator.resetSupported() || iterator.hasNext();
    }

    @Override
    long advance(long position, World world) {
        return position + (sharding == Sharding.BATCHES ? world.size() : 1);
    }

    @Override
    boolean suitsSeats() {
        return SeatChecks.suits(sharding);
    }

    @Override
    Iterator<Share> pass(Seats seats, Place place) {
        if (current != null) {
            mostBatches = Math.max(mostBatches, current.batchesRead());
        }
        begin(place);
        int owner = sharding == Sharding.OWN ? seats.world().rank() : 0;
        long passSeed = Seeds.derive(seed, place.epoch(), owner);
        BatchStream batches = new BatchStream(iterator, bufferBatches, passSeed, place, isCompared());
        current = batches;
        return switch (sharding) {
            case FROM_ROOT, OWN -> new Shares(batches, place, seats, new SliceOfBatch(new Seats(List.of(0), 1)));
            case EXAMPLES -> new Shares(batches, place, seats, new SliceOfBatch(seats));
            case BATCHES -> new Shares(batches, place, seats, new EveryNthBatch(seats));
        };
    }

    @Override
    void restart() {
        restarted = true;
    }

    private void begin(Place place) {
        boolean fromBeginning = restarted;
        restarted = false;
        // In the middle of an epoch, an iterator that was read before is somewhere else.
        if (keepsPlace && !fromBeginning && !(used && place.position() > 0) && iterator.hasNext()) {
            used = true;
            return;
        }
        if (iterator.resetSupported()) {
            try {
                iterator.reset();
            } catch (UnsupportedOperationException e) {
                throw new IllegalStateException(
                        kind
                                + " says that it supports reset, and does not: train for one epoch, or use another"
                                + " iterator",
                        e);
            }
        } else if (used) {
            throw new IllegalStateException("epoch " + place.epoch() + " needs another pass over " + kind
                    + ", which cannot be reset: train for one epoch, or use an iterator that supports reset");
        }
        used = true;
    }

    /** Makes the parts of this process's ranks from the next batches; the stream has at least one. */
    private interface Division {

        List<Share.Part> next(BatchStream batches);
    }

    private final class Shares implements Iterator<Share> {

        private final BatchStream batches;
        private final Place begin;
        private final World world;
        private final Division division;

        Shares(BatchStream batches, Place begin, Seats seats, Division division) {
            this.batches = batches;
            this.begin = begin;
            world = seats.world();
            this.division = division;
        }

        @Override
        public boolean hasNext() {
            boolean any = batches.hasNext();
            if (!any && batches.batchesRead() < mostBatches) {
                hasFewer(batches.batchesRead(), begin.epoch(), world);
            }
            return any;
        }

        @Override
        public Share next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            List<Share.Part> parts = division.next(batches);
            long fingerprint = batches.fingerprint();
            return new Share(parts, false, fingerprint, fingerprint, batches.takeReads());
        }
    }

    private void hasFewer(long batches, int epoch, World world) {
        if (batches == 0) {
            throw new IllegalStateException(
                    kind + " has no batch after its reset, which it says it supports, though it had"
                            + " some before: epoch " + epoch
                            + " would be empty. Use an iterator whose reset starts from the beginning, or train"
                            + " for one epoch");
        }
        // Equal on all ranks, unless each has its own data.
        if (!warnedOfFewer && (sharding == Sharding.OWN || world.isRoot())) {
            warnedOfFewer = true;
            LOG.warn(
                    "{}{} had {} batches in epoch {}, and {} in an earlier one: did its reset not start from the"
                            + " beginning, or has something else read from it?",
                    kind,
                    sharding == Sharding.OWN ? " of rank " + world.rank() : "",
                    batches,
                    epoch,
                    mostBatches);
        }
    }

    private record SliceOfBatch(Seats seats) implements Division {

        @Override
        public List<Share.Part> next(BatchStream batches) {
            MultiDataSet batch = batches.next();
            List<Share.Part> parts = new ArrayList<>(seats.count());
            for (int rank : seats.ranks()) {
                Chunk own = Chunk.of(rank, seats.all(), Rows.count(batch));
                if (own.length() == 0) {
                    parts.add(Share.Part.NONE);
                } else {
                    MultiDataSet rows = Rows.slice(batch, own.offset(), own.offset() + own.length());
                    parts.add(new Share.Part(rows, rows == batch && !batches.copies()));
                }
            }
            return parts;
        }
    }

    private record EveryNthBatch(Seats seats) implements Division {

        @Override
        public List<Share.Part> next(BatchStream batches) {
            List<Share.Part> parts = new ArrayList<>(Collections.nCopies(seats.count(), Share.Part.NONE));
            for (int i = 0; i < seats.all() && batches.hasNext(); i++) {
                MultiDataSet batch = batches.next();
                int seat = seats.ranks().indexOf(i);
                if (seat >= 0) {
                    boolean isHeld = i < seats.all() - 1 && !batches.copies();
                    parts.set(seat, new Share.Part(isHeld ? Rows.copy(batch) : batch, !isHeld && !batches.copies()));
                }
            }
            return parts;
        }
    }
}
