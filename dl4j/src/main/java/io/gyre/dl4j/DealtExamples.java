package io.gyre.dl4j;

import io.gyre.World;
import io.gyre.session.SharedCounter;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * A source whose batches are dealt: each goes to the rank that asks next. All ranks draw batch numbers from one
 * counter, which runs through the batches of the first epoch, then of the second, and so on. A rank that draws a number
 * of the next epoch keeps it for its next pass.
 */
final class DealtExamples extends ShardedData {

    private static final long NONE = -1;

    private final ExampleSource source;
    private final int batch;
    private final long seed;
    private final SharedCounter counter;
    private long kept = NONE;
    private long firstEpoch = NONE;

    DealtExamples(ExampleSource source, int batch, long seed, SharedCounter counter) {
        if (batch < 1) {
            throw new IllegalArgumentException("batch " + batch + ": at least 1 is needed");
        }
        this.source = source;
        this.batch = batch;
        this.seed = seed;
        this.counter = counter;
    }

    @Override
    String description() {
        return source.size() + " examples, dealt in batches of " + batch + ", order from seed " + seed;
    }

    /** The counter says which batches remain. */
    @Override
    Object identity() {
        return counter;
    }

    @Override
    List<Object> unshareable() {
        return List.of();
    }

    @Override
    Claim.Use mayEnd() {
        return Claim.Use.NOW;
    }

    @Override
    boolean isCompared() {
        return false;
    }

    @Override
    boolean loadsAhead() {
        return true;
    }

    /** Counts this rank's batches, to tell the beginning of an epoch from its middle. */
    @Override
    long advance(long position, World world) {
        return position + 1;
    }

    @Override
    Iterator<Share> pass(Seats seats, Place place) {
        if (firstEpoch == NONE) {
            if (place.position() > 0) {
                throw new IllegalStateException("dealt data cannot be continued in the middle of epoch " + place.epoch()
                        + ": which batches the other ranks had is not known");
            }
            firstEpoch = place.epoch();
        }
        return new Dealing(place.epoch());
    }

    private final class Dealing implements Iterator<Share> {
        private final int epoch;
        private final int[] order;
        private final long firstBatch;
        private final long batches;

        Dealing(int epoch) {
            this.epoch = epoch;
            order = Permutation.of(source.size(), Seeds.derive(seed, epoch));
            batches = (order.length + batch - 1L) / batch;
            firstBatch = (epoch - firstEpoch) * batches;
        }

        @Override
        public boolean hasNext() {
            if (batches == 0) {
                return false;
            }
            if (kept == NONE) {
                kept = counter.getAndAdd(1);
            }
            return kept < firstBatch + batches;
        }

        @Override
        public Share next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            long number = kept - firstBatch;
            kept = NONE;
            if (number < 0) {
                throw new IllegalStateException("the counter of the batches was set back to " + (number + firstBatch)
                        + " in epoch " + epoch + ": it must be used for these data alone");
            }
            int from = (int) (number * batch);
            int[] indices = Arrays.copyOfRange(order, from, Math.min(order.length, from + batch));
            MultiDataSet rows = SeededDraws.call(Seeds.derive(seed, epoch, number), () -> source.load(indices));
            Rows.checkFeatures(rows, "batch " + number + " of epoch " + epoch);
            if (Rows.count(rows) != indices.length) {
                throw new IllegalStateException("the example source was asked for " + indices.length
                        + " examples and returned " + Rows.count(rows));
            }
            return Share.own(rows, true);
        }
    }
}
