package io.gyre.dl4j;

import io.gyre.memory.Region;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Detects changes to a rank's own gradients while they wait for their exchange. After the reduction a change cannot be
 * detected: all ranks then hold the same wrong sum.
 *
 * <p>The CRC32C of a bucket is kept when it is complete, and compared right before it is reduced. Gradients on a
 * device have none: they are copied to the host right before the reduction.
 *
 * <p>One thread keeps and one compares; they may differ. The hand-over of a bucket between them establishes
 * happens-before.
 */
final class GradientChecksums {

    private final GradientPlace place;
    private final ModelLayout layout;
    private final boolean used;
    private final List<Bucket> buckets;
    private final int[] kept;
    private final Reader keeping;
    private final Reader checking;
    private int firstChanged;

    GradientChecksums(GradientPlace place, BucketPlan plan, ModelLayout layout) {
        this.place = place;
        this.layout = layout;
        used = !place.isStaged();
        buckets = plan.buckets();
        kept = new int[buckets.size()];
        keeping = new Reader();
        checking = new Reader();
        firstChanged = buckets.size();
    }

    /** Forgets the previous step. */
    void begin() {
        firstChanged = buckets.size();
    }

    /** This rank has written the bucket for the last time. */
    void keep(Bucket bucket) {
        if (used) {
            kept[bucket.index()] = keeping.crc32c(bucket.index());
        }
    }

    /** The bucket is about to be reduced. */
    void check(Bucket bucket) {
        if (used && kept[bucket.index()] != checking.crc32c(bucket.index())) {
            firstChanged = Math.min(firstChanged, bucket.index());
        }
    }

    /** Whether every bucket of this step was reduced as it had been kept. */
    boolean areWhole() {
        return firstChanged == buckets.size();
    }

    /**
     * Describes the first bucket that was not; empty if there is none.
     *
     * @param rank this one
     */
    List<ChangedGradients> changes(int rank) {
        if (areWhole()) {
            return List.of();
        }
        Bucket bucket = buckets.get(firstChanged);
        return List.of(ChangedGradients.between(rank, layout, bucket.offset(), bucket.length()));
    }

    /** Reads buckets for one thread. Nothing is allocated as long as the gradients stay where they are. */
    private final class Reader {
        private final CRC32C crc = new CRC32C();
        private @Nullable Region cut;
        private List<ByteBuffer[]> pieces = List.of();

        int crc32c(int bucket) {
            crc.reset();
            for (ByteBuffer piece : pieces().get(bucket)) {
                crc.update(piece.rewind());
            }
            return (int) crc.getValue();
        }

        @SuppressWarnings("ReferenceEquality") // Gradients that have moved have another region object.
        private List<ByteBuffer[]> pieces() {
            Region gradients = place.region();
            if (gradients != cut) {
                int bytes = layout.elementType().bytes();
                pieces = buckets.stream()
                        .map(each -> gradients.slice(each.offset() * bytes, each.length() * bytes))
                        .map(each -> Checksums.windows(each).toArray(ByteBuffer[]::new))
                        .toList();
                cut = gradients;
            }
            return pieces;
        }
    }
}
