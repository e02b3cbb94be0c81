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
 *
 * <p>For checkpoints a pass also ends at <em>borders</em>, after every so many batches of all ranks: there each rank
 * has trained on all that it was given of those before.
 */
final class DealtExamples extends ShardedData {

    private static final long NONE = -1;

    private final ExampleSource source;
    private final int batch;
    private final long seed;
    private final SharedCounter counter;
    private final DealtNumbers numbers;
    private long firstEpoch = NONE;
    private long betweenBorders = Long.MAX_VALUE;
    private volatile long border = Long.MAX_VALUE;
    private volatile boolean atBorder;

    DealtExamples(ExampleSource source, int batch, long seed, SharedCounter counter) {
        if (batch < 1) {
            throw new IllegalArgumentException("batch " + batch + ": at least 1 is needed");
        }
        this.source = source;
        this.batch = batch;
        this.seed = seed;
        this.counter = counter;
        numbers = new DealtNumbers(counter);
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
    void continueFrom(Dealing earlier) {
        numbers.continueFrom(earlier);
        firstEpoch = earlier.firstEpoch();
        passBorder(earlier.next());
    }

    @Override
    void setBorders(long batches) {
        if (betweenBorders != batches) {
            betweenBorders = batches;
            passBorder(0);
        }
    }

    @Override
    boolean isAtBorder() {
        return atBorder;
    }

    @Override
    boolean hasBorders() {
        return true;
    }

    @Override
    long lastBorder() {
        return border == Long.MAX_VALUE ? 0 : atBorder ? border : border - betweenBorders;
    }

    @Override
    void passBorder(long passed) {
        atBorder = false;
        border = betweenBorders == Long.MAX_VALUE ? Long.MAX_VALUE : (passed / betweenBorders + 1) * betweenBorders;
    }

    @Override
    void trained() {
        numbers.trained();
    }

    @Override
    List<Long> unread() {
        return numbers.unread();
    }

    @Override
    Dealing dealing(List<Long> unread) {
        return numbers.ofAll(firstEpoch, unread);
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
        atBorder = false;
        return new Dealt(place.epoch());
    }

    private final class Dealt implements Iterator<Share> {
        private final int epoch;
        private final int[] order;
        private final long firstBatch;
        private final long batches;

        Dealt(int epoch) {
            this.epoch = epoch;
            order = Permutation.of(source.size(), Seeds.derive(seed, epoch));
            batches = (order.length + batch - 1L) / batch;
            firstBatch = (epoch - firstEpoch) * batches;
            if (border <= firstBatch) {
                passBorder(firstBatch);
            }
        }

        @Override
        public boolean hasNext() {
            if (batches == 0) {
                return false;
            }
            long next = numbers.peek();
            // The end of an epoch is no border.
            atBorder = next >= border && border < firstBatch + batches;
            return next < firstBatch + batches && !atBorder;
        }

        @Override
        public Share next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            long number = numbers.peek() - firstBatch;
            numbers.take();
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
