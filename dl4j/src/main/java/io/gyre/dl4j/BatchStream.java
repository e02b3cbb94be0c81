package io.gyre.dl4j;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * The batches of one pass over an iterator, from a given position. Groups of batches are shuffled together: joined,
 * their rows permuted by the seed, and split into batches of the same sizes again.
 *
 * <p>A stream that does not shuffle returns the iterator's own batches, each valid until {@link #hasNext}; shuffled
 * batches are copies.
 */
final class BatchStream {

    private final MultiDataSetIterator iterator;
    private final int groupBatches;
    private final long seed;
    private final int epoch;
    private final boolean compared;
    private final Deque<org.nd4j.linalg.dataset.api.MultiDataSet> group = new ArrayDeque<>();
    private long groupIndex;
    private long batchesRead;
    private long fingerprint = Fingerprint.START;
    private List<Read> reads = new ArrayList<>();

    /**
     * Begins a pass.
     *
     * @param iterator at its beginning
     * @param groupBatches number of batches shuffled together; 1 keeps the iterator's order
     * @param seed of this pass
     * @param place where to begin: batches before it are read and skipped
     * @param compared whether to keep a fingerprint of all that is read
     */
    BatchStream(MultiDataSetIterator iterator, int groupBatches, long seed, Place place, boolean compared) {
        this.iterator = iterator;
        this.groupBatches = groupBatches;
        this.seed = seed;
        this.epoch = place.epoch();
        this.compared = compared;
        groupIndex = place.position() / groupBatches;
        for (long i = 0; i < groupIndex * groupBatches && iterator.hasNext(); i++) {
            read();
        }
        for (long i = groupIndex * groupBatches; i < place.position() && hasNext(); i++) {
            next();
        }
        if (compared && place.mark() != 0 && place.mark() != fingerprint()) {
            throw new IllegalStateException("the iterator does not give the " + place.position() + " batches of epoch "
                    + epoch + " again that were trained on before: their fingerprint was "
                    + Long.toHexString(place.mark()) + " and is " + Long.toHexString(fingerprint()) + " of "
                    + batchesRead + " batches now. Continue with the same data, from the end of an epoch, or start"
                    + " again. An iterator that is shuffled by each reset cannot be continued in the middle:"
                    + " ShardedData.shuffled shuffles by seed and epoch");
        }
        reads.clear();
    }

    boolean hasNext() {
        return !group.isEmpty() || iterator.hasNext();
    }

    org.nd4j.linalg.dataset.api.MultiDataSet next() {
        if (groupBatches == 1) {
            return read();
        }
        if (group.isEmpty()) {
            readGroup();
        }
        return group.remove();
    }

    /** Whether batches stay valid while later ones are read. */
    boolean copies() {
        return groupBatches > 1;
    }

    /** Number of batches read from the iterator in this pass. */
    long batchesRead() {
        return batchesRead;
    }

    /** Fingerprint of all that was read in this pass, as it is sent; 0 if it is not compared. */
    long fingerprint() {
        return compared ? Fingerprint.ofRunning(fingerprint) : 0;
    }

    /** What was read since the last call. */
    List<Read> takeReads() {
        List<Read> taken = reads;
        reads = new ArrayList<>();
        return taken;
    }

    private void readGroup() {
        List<org.nd4j.linalg.dataset.api.MultiDataSet> batches = new ArrayList<>();
        do {
            batches.add(Rows.copy(read()));
        } while (batches.size() < groupBatches && iterator.hasNext());
        mix(batches);
        groupIndex++;
    }

    /** Augmentation inside the iterator draws the same numbers on every rank, and again when a run is resumed. */
    private org.nd4j.linalg.dataset.api.MultiDataSet read() {
        org.nd4j.linalg.dataset.api.MultiDataSet batch =
                SeededDraws.call(Seeds.derive(seed, batchesRead), iterator::next);
        Rows.checkFeatures(batch, "batch " + batchesRead + " of epoch " + epoch);
        if (compared) {
            long value = Fingerprint.of(batch);
            fingerprint = Fingerprint.extend(fingerprint, value);
            reads.add(new Read(Read.What.BATCH, batchesRead, Rows.count(batch), value));
        }
        batchesRead++;
        return batch;
    }

    private void mix(List<org.nd4j.linalg.dataset.api.MultiDataSet> batches) {
        org.nd4j.linalg.dataset.api.MultiDataSet all = Rows.outOfWorkspaces(() -> MultiDataSet.merge(batches));
        int[] order = Permutation.of(Rows.count(all), Seeds.derive(seed, groupIndex));
        org.nd4j.linalg.dataset.api.MultiDataSet mixed = Rows.pick(all, order);
        int from = 0;
        for (org.nd4j.linalg.dataset.api.MultiDataSet batch : batches) {
            int to = from + Rows.count(batch);
            group.add(Rows.slice(mixed, from, to));
            from = to;
        }
    }
}
