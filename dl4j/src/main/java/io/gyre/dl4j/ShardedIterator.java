package io.gyre.dl4j;

import io.gyre.Chunk;
import io.gyre.World;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/** An iterator, divided. Positions count its batches. */
final class ShardedIterator extends ShardedData {

    private final MultiDataSetIterator iterator;
    private final String kind;
    private final Sharding sharding;
    private final int bufferBatches;
    private final long seed;
    private boolean used;

    /**
     * Divides an iterator.
     *
     * @param kind class of the iterator that the user gave
     */
    ShardedIterator(MultiDataSetIterator iterator, String kind, Sharding sharding, int bufferBatches, long seed) {
        this.iterator = iterator;
        this.kind = kind;
        this.sharding = sharding;
        this.bufferBatches = bufferBatches;
        this.seed = seed;
    }

    @Override
    String description() {
        String order = bufferBatches == 1 ? "in order" : "mixed over " + bufferBatches + " batches from seed " + seed;
        return kind + " divided by " + sharding + ", " + order;
    }

    @Override
    boolean loadsAhead() {
        return iterator.asyncSupported();
    }

    @Override
    long advance(long position, World world) {
        return position + (sharding == Sharding.BATCHES ? world.size() : 1);
    }

    @Override
    Iterator<Share> pass(World world, int epoch, long position) {
        if (iterator.resetSupported()) {
            iterator.reset();
        } else if (used) {
            throw new IllegalStateException("epoch " + epoch + " needs a second pass over " + kind
                    + ", which cannot be reset: train for one epoch, or use an iterator that supports reset");
        }
        used = true;
        int owner = sharding == Sharding.OWN ? world.rank() : 0;
        BatchStream batches = new BatchStream(iterator, bufferBatches, Seeds.derive(seed, epoch, owner), position);
        return switch (sharding) {
            case EXAMPLES -> new SlicesOfBatches(batches, world);
            case BATCHES -> new EveryNthBatch(batches, world);
            case OWN -> new SlicesOfBatches(batches, new World(0, 1));
        };
    }

    private record SlicesOfBatches(BatchStream batches, World world) implements Iterator<Share> {

        @Override
        public boolean hasNext() {
            return batches.hasNext();
        }

        @Override
        public Share next() {
            MultiDataSet batch = batches.next();
            Chunk own = Chunk.of(world.rank(), world.size(), Rows.count(batch));
            return own.length() == 0
                    ? Share.EMPTY
                    : new Share(Rows.slice(batch, own.offset(), own.offset() + own.length()));
        }
    }

    private record EveryNthBatch(BatchStream batches, World world) implements Iterator<Share> {

        @Override
        public boolean hasNext() {
            return batches.hasNext();
        }

        @Override
        public Share next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            Share own = Share.EMPTY;
            for (int i = 0; i < world.size() && batches.hasNext(); i++) {
                MultiDataSet batch = batches.next();
                if (i == world.rank()) {
                    own = new Share(batch);
                }
            }
            return own;
        }
    }
}
