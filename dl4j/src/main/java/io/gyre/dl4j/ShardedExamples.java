package io.gyre.dl4j;

import io.gyre.Chunk;
import io.gyre.World;
import java.util.Arrays;
import java.util.Iterator;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** A source in a new order every epoch. Positions count examples. */
final class ShardedExamples extends ShardedData {

    private final ExampleSource source;
    private final int batchPerRank;
    private final long seed;

    ShardedExamples(ExampleSource source, int batchPerRank, long seed) {
        if (batchPerRank < 1) {
            throw new IllegalArgumentException("batchPerRank " + batchPerRank + ": at least 1 is needed");
        }
        this.source = source;
        this.batchPerRank = batchPerRank;
        this.seed = seed;
    }

    @Override
    String description() {
        return source.size() + " examples, order from seed " + seed;
    }

    @Override
    boolean loadsAhead() {
        return true;
    }

    @Override
    long advance(long position, World world) {
        return position + Math.multiplyExact((long) batchPerRank, world.size());
    }

    @Override
    Iterator<Share> pass(World world, int epoch, long position) {
        int[] order = Permutation.of(source.size(), Seeds.derive(seed, epoch));
        return new Iterator<>() {
            private long at = position;

            @Override
            public boolean hasNext() {
                return at < order.length;
            }

            @Override
            public Share next() {
                long end = Math.min(order.length, advance(at, world));
                Chunk own = Chunk.of(world.rank(), world.size(), end - at);
                int from = (int) (at + own.offset());
                int[] indices = Arrays.copyOfRange(order, from, from + (int) own.length());
                long batch = at;
                at = end;
                return indices.length == 0 ? Share.EMPTY : load(indices, epoch, batch, world.rank());
            }
        };
    }

    private Share load(int[] indices, int epoch, long position, int rank) {
        MultiDataSet rows = SeededDraws.call(Seeds.derive(seed, epoch, position, rank), () -> source.load(indices));
        int count = Rows.count(rows);
        if (count != indices.length) {
            throw new IllegalStateException(
                    "the example source was asked for " + indices.length + " examples and returned " + count);
        }
        return new Share(rows);
    }
}
