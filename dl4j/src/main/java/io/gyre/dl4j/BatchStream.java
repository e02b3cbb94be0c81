package io.gyre.dl4j;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * The batches of one pass over an iterator, from a position on. Groups of batches are mixed: joined, their rows put into an
 * order drawn from the seed, and cut into batches of the same sizes again.
 */
final class BatchStream implements Iterator<org.nd4j.linalg.dataset.api.MultiDataSet> {

    private final MultiDataSetIterator iterator;
    private final int groupBatches;
    private final long seed;
    private final Deque<org.nd4j.linalg.dataset.api.MultiDataSet> group = new ArrayDeque<>();
    private long groupIndex;

    /**
     * Begins a pass.
     *
     * @param iterator at its beginning
     * @param groupBatches batches that are mixed; 1 leaves the iterator's order
     * @param seed of this pass
     * @param position number of batches to leave out
     */
    BatchStream(MultiDataSetIterator iterator, int groupBatches, long seed, long position) {
        this.iterator = iterator;
        this.groupBatches = groupBatches;
        this.seed = seed;
        groupIndex = position / groupBatches;
        for (long i = 0; i < groupIndex * groupBatches && iterator.hasNext(); i++) {
            read(i);
        }
        for (long i = groupIndex * groupBatches; i < position && hasNext(); i++) {
            next();
        }
    }

    @Override
    public boolean hasNext() {
        return !group.isEmpty() || iterator.hasNext();
    }

    @Override
    public org.nd4j.linalg.dataset.api.MultiDataSet next() {
        if (group.isEmpty()) {
            readGroup();
        }
        return group.remove();
    }

    private void readGroup() {
        List<org.nd4j.linalg.dataset.api.MultiDataSet> batches = new ArrayList<>();
        do {
            batches.add(read(groupIndex * groupBatches + batches.size()));
        } while (batches.size() < groupBatches && iterator.hasNext());
        if (groupBatches == 1) {
            group.addAll(batches);
        } else {
            mix(batches);
        }
        groupIndex++;
    }

    private void mix(List<org.nd4j.linalg.dataset.api.MultiDataSet> batches) {
        MultiDataSet all = MultiDataSet.merge(batches);
        int[] order = Permutation.of(Rows.count(all), Seeds.derive(seed, groupIndex));
        org.nd4j.linalg.dataset.api.MultiDataSet mixed = Rows.pick(all, order);
        int from = 0;
        for (org.nd4j.linalg.dataset.api.MultiDataSet batch : batches) {
            int to = from + Rows.count(batch);
            group.add(Rows.slice(mixed, from, to));
            from = to;
        }
    }

    /** Augmentation inside the iterator draws the same numbers on every rank, and again when a run is resumed. */
    private org.nd4j.linalg.dataset.api.MultiDataSet read(long batch) {
        return SeededDraws.call(Seeds.derive(seed, batch), iterator::next);
    }
}
