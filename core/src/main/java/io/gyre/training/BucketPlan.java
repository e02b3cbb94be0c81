package io.gyre.training;

import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * How a gradient vector is divided into buckets: fixed before the first step and equal on all ranks, so that no step
 * negotiates.
 *
 * <p>The backward pass completes the vector from its end, so buckets are numbered from the end: bucket 0 holds the last
 * layers. A bucket ends at a layer's border, unless a single layer is larger than the limit.
 *
 * @param elements length of the whole vector
 * @param buckets in the order of sending; together they cover the vector exactly once
 */
public record BucketPlan(long elements, List<Bucket> buckets) {

    public BucketPlan {
        buckets = List.copyOf(buckets);
        long end = elements;
        for (int i = 0; i < buckets.size(); i++) {
            Bucket bucket = buckets.get(i);
            if (bucket.index() != i || bucket.length() <= 0 || bucket.offset() + bucket.length() != end) {
                throw new IllegalArgumentException(
                        "bucket plan of " + elements + " elements has a gap or an overlap at " + bucket);
            }
            end = bucket.offset();
        }
        if (end != 0) {
            throw new IllegalArgumentException("bucket plan of " + elements + " elements leaves out the first " + end);
        }
    }

    /**
     * Creates a plan.
     *
     * @param layerLengths elements of each layer's gradient, in the order of the vector; zeros are allowed
     * @param maxElements most elements of a bucket, at least 1
     */
    public static BucketPlan of(List<Long> layerLengths, long maxElements) {
        return of(layerLengths, maxElements, false);
    }

    /** As {@link #of}, but a layer that is larger than the limit is one bucket. */
    public static BucketPlan ofWholeLayers(List<Long> layerLengths, long maxElements) {
        return of(layerLengths, maxElements, true);
    }

    private static BucketPlan of(List<Long> layerLengths, long maxElements, boolean whole) {
        if (maxElements < 1) {
            throw new IllegalArgumentException("a bucket of at most " + maxElements + " elements holds nothing");
        }
        for (long length : layerLengths) {
            if (length < 0) {
                throw new IllegalArgumentException("layer lengths " + layerLengths + ": " + length + " is negative");
            }
        }
        long total = layerLengths.stream().mapToLong(Long::longValue).sum();
        List<Bucket> buckets = new ArrayList<>();
        long bucketEnd = total;
        long start = total;
        for (int i = layerLengths.size() - 1; i >= 0; i--) {
            long layerStart = start - layerLengths.get(i);
            if (bucketEnd - layerStart > maxElements && start < bucketEnd) {
                buckets.add(new Bucket(buckets.size(), start, bucketEnd - start));
                bucketEnd = start;
            }
            while (!whole && bucketEnd - layerStart > maxElements) {
                bucketEnd -= maxElements;
                buckets.add(new Bucket(buckets.size(), bucketEnd, maxElements));
            }
            start = layerStart;
        }
        if (bucketEnd > 0) {
            buckets.add(new Bucket(buckets.size(), 0, bucketEnd));
        }
        return new BucketPlan(total, buckets);
    }

    /**
     * Short text that is equal for equal plans, for comparison when ranks join: counts, and a checksum of all borders.
     */
    public String fingerprint() {
        CRC32C crc = new CRC32C();
        for (Bucket bucket : buckets) {
            for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
                crc.update((int) (bucket.offset() >>> shift) & 0xff);
            }
        }
        return elements + " elements in " + buckets.size() + " buckets, borders " + Long.toHexString(crc.getValue());
    }
}
