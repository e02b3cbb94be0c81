package io.gyre.dl4j;

import io.gyre.memory.Region;
import io.gyre.training.Bucket;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Notices when a rank's own gradients change while they wait for their exchange. Once they are added up that cannot
 * be seen any more: all ranks then hold the same wrong sum.
 *
 * <p>A bucket is sealed by its CRC32C when it is complete, and checked right before it is added up. Gradients on a
 * device are not sealed: their copy on the host is made right before.
 *
 * <p>One thread seals and one checks, which may be another one. Whatever hands a bucket over from one to the other
 * orders the two.
 */
final class GradientSeals {

    private final Replica replica;
    private final List<Bucket> buckets;
    private final int[] seals;
    private final Reader sealing;
    private final Reader checking;
    private int firstChanged;

    GradientSeals(Replica replica) {
        this.replica = replica;
        buckets = replica.bucketPlan().buckets();
        seals = new int[buckets.size()];
        sealing = new Reader();
        checking = new Reader();
        firstChanged = buckets.size();
    }

    /** Forgets the step before. */
    void begin() {
        firstChanged = buckets.size();
    }

    /** This rank has written the bucket for the last time. */
    void seal(Bucket bucket) {
        if (!replica.isStaged()) {
            seals[bucket.index()] = sealing.crc32c(bucket.index());
        }
    }

    /** The bucket is about to be added to those of the other ranks. */
    void check(Bucket bucket) {
        if (!replica.isStaged() && seals[bucket.index()] != checking.crc32c(bucket.index())) {
            firstChanged = Math.min(firstChanged, bucket.index());
        }
    }

    /** Whether every bucket of this step was added up as it had been sealed. */
    boolean areWhole() {
        return firstChanged == buckets.size();
    }

    /** Where the first one lies that was not, for people; empty if there is none. */
    String firstBroken() {
        if (areWhole()) {
            return "";
        }
        Bucket bucket = buckets.get(firstChanged);
        return "between " + replica.nameOf(bucket.offset()) + " and "
                + replica.nameOf(bucket.offset() + bucket.length() - 1);
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

        @SuppressWarnings("ReferenceEquality") // Gradients that have moved are another region.
        private List<ByteBuffer[]> pieces() {
            Region gradients = replica.gradients();
            if (gradients != cut) {
                int bytes = replica.elementType().bytes();
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
