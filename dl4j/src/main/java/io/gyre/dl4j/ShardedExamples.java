package io.gyre.dl4j;

import io.gyre.Chunk;
import io.gyre.World;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * A source in a new order every epoch. Positions count examples.
 *
 * <p>Ranks read different examples. To check that their sources are equal, all read the same few examples: probes,
 * drawn from the seed, {@value #PROBES_OF_A_PASS} at the beginning of a pass and one every {@value #STEPS_PER_PROBE}
 * steps.
 */
final class ShardedExamples extends ShardedData {

    private static final int PROBES_OF_A_PASS = 8;
    private static final int STEPS_PER_PROBE = 64;

    /** In seed paths, at the position where loading for training has a rank, which is not negative. */
    private static final int PROBE = -1;

    /**
     * Whether the source returns the same when read twice. A source whose randomness we do not seed cannot be compared:
     * its shares have a fingerprint of unknown values.
     */
    private enum Repeats {
        UNKNOWN,
        YES,
        NO
    }

    private final ExampleSource source;
    private final int batchPerRank;
    private final long seed;
    private volatile Repeats repeats = Repeats.UNKNOWN;

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
    Object identity() {
        return source;
    }

    @Override
    List<Object> unshareable() {
        return List.of();
    }

    @Override
    boolean sharesPassWith(ShardedData earlier) {
        return isSameAs(earlier) && earlier instanceof ShardedExamples same && batchPerRank == same.batchPerRank;
    }

    @Override
    Claim.Use mayEnd() {
        return Claim.Use.NOW;
    }

    @Override
    boolean isCompared() {
        return true;
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
    boolean suitsSeats() {
        return true;
    }

    @Override
    Iterator<Share> pass(Seats seats, Place place) {
        return new Shares(seats, place);
    }

    private final class Shares implements Iterator<Share> {

        private final Seats seats;
        private final Place begin;
        private final int[] order;
        private long at;
        private long orderSoFar = Fingerprint.START;
        private long probes;
        private long mark;
        private int steps;

        Shares(Seats seats, Place begin) {
            this.seats = seats;
            this.begin = begin;
            order = Permutation.of(source.size(), Seeds.derive(seed, begin.epoch()));
            at = begin.position();
        }

        @Override
        public boolean hasNext() {
            return at < order.length;
        }

        @Override
        public Share next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            Read probe = null;
            if (steps == 0) {
                probe = probePass();
            } else if (steps % STEPS_PER_PROBE == 0 && probes != 0) {
                probe = probe(1, begin.epoch(), at, PROBE);
            }
            if (probe != null) {
                probes = Fingerprint.value(Fingerprint.extend(probes, probe.value()));
                mark = steps == 0 ? probes : mark;
            }
            steps++;
            return nextOf(probe);
        }

        private Share nextOf(@Nullable Read probe) {
            long end = Math.min(order.length, advance(at, seats.world()));
            long batch = at;
            long examples = fingerprintOfOrder(batch, end);
            orderSoFar = Fingerprint.extend(orderSoFar, examples);
            Read global = new Read(Read.What.ORDER, batch, end - batch, examples);
            at = end;
            return new Share(
                    parts(batch, end),
                    false,
                    Fingerprint.of(orderSoFar, probes),
                    mark,
                    probe == null ? List.of(global) : List.of(global, probe));
        }

        /** The rows of each seat; the source may reuse the memory of one for the next. */
        private List<Share.Part> parts(long batch, long end) {
            List<Share.Part> parts = new ArrayList<>(seats.count());
            for (int rank : seats.ranks()) {
                parts.replaceAll(Share.Part::kept);
                Chunk own = Chunk.of(rank, seats.all(), end - batch);
                int from = (int) (batch + own.offset());
                int[] indices = Arrays.copyOfRange(order, from, from + (int) own.length());
                parts.add(
                        indices.length == 0
                                ? Share.Part.NONE
                                : new Share.Part(load(indices, Seeds.derive(seed, begin.epoch(), batch, rank)), true));
            }
            return parts;
        }

        private long fingerprintOfOrder(long from, long to) {
            long examples = Seeds.derive(from, to);
            for (int i = (int) from; i < to; i++) {
                examples = Fingerprint.extend(examples, order[i]);
            }
            return examples;
        }

        /** The probes at the beginning of a pass, which depend only on the epoch; null if they cannot be compared. */
        private @Nullable Read probePass() {
            if (repeats == Repeats.NO) {
                return null;
            }
            Read first = probe(PROBES_OF_A_PASS, begin.epoch(), PROBE);
            if (repeats == Repeats.UNKNOWN) {
                repeats = first.equals(probe(PROBES_OF_A_PASS, begin.epoch(), PROBE)) ? Repeats.YES : Repeats.NO;
            }
            if (repeats == Repeats.NO) {
                return null;
            }
            check(Fingerprint.value(Fingerprint.extend(0, first.value())));
            return first;
        }

        private void check(long now) {
            if (begin.mark() != 0 && begin.mark() != now) {
                throw new IllegalStateException("the example source does not give the examples again that epoch "
                        + begin.epoch() + " was trained on up to place " + begin.position()
                        + ": the fingerprint of probes was " + Long.toHexString(begin.mark()) + " and is "
                        + Long.toHexString(now)
                        + ". Continue with the same data, or from the end of an epoch, or start again");
            }
        }

        /** Reads examples one by one, so that the training batch size does not matter. */
        private Read probe(int count, long... path) {
            long probeSeed = Seeds.derive(seed, path);
            int[] indices = new SplittableRandom(probeSeed)
                    .ints(0, order.length)
                    .distinct()
                    .limit(Math.min(count, order.length))
                    .toArray();
            long value = Fingerprint.START;
            for (int index : indices) {
                MultiDataSet row = load(new int[] {index}, Seeds.derive(probeSeed, index));
                value = Fingerprint.extend(value, Fingerprint.of(row));
            }
            return new Read(Read.What.PROBE, at, indices.length, value);
        }
    }

    private MultiDataSet load(int[] indices, long loadSeed) {
        MultiDataSet rows = SeededDraws.call(loadSeed, () -> source.load(indices));
        Rows.checkFeatures(rows, "a batch of " + indices.length + " examples from the example source");
        int count = Rows.count(rows);
        if (count != indices.length) {
            throw new IllegalStateException(
                    "the example source was asked for " + indices.length + " examples and returned " + count);
        }
        return rows;
    }
}
