package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import java.util.ArrayList;
import java.util.List;

/**
 * One bucket of gradients: two all-reduces, of what the matrices' left factors and all other elements are, and of the
 * right factors.
 */
final class LowRankBucket {

    private final Collective exact;
    private final long offset;
    private final long byteLength;
    private final List<LowRankMatrix> matrices;
    /** What is no matrix: offset in the bucket and length, in bytes. */
    private final List<Plain> plain = new ArrayList<>();

    private final long leftBytes;
    private final long firstBytes;
    private final long secondBytes;
    private Region cut = Region.allocate("nothing", 0);
    private Region first = cut;
    private Region second = cut;

    private record Plain(long at, long length) {}

    /**
     * Creates it.
     *
     * @param exact borrowed
     * @param data memory of the bucket, or of one like it
     */
    LowRankBucket(Collective exact, PowerSgd state, Region data) {
        this.exact = exact;
        offset = data.offset();
        byteLength = data.byteLength();
        matrices = state.matricesIn(offset / Float.BYTES, byteLength / Float.BYTES);
        long left = 0;
        long right = 0;
        long end = 0;
        for (LowRankMatrix each : matrices) {
            addPlain(end, begin(each) - end);
            end = begin(each) + each.matrix().length() * Float.BYTES;
            left += (long) each.leftLength() * Float.BYTES;
            right += (long) each.rightLength() * Float.BYTES;
        }
        addPlain(end, byteLength - end);
        leftBytes = left;
        firstBytes = left + plain.stream().mapToLong(Plain::length).sum();
        secondBytes = right;
    }

    private void addPlain(long at, long length) {
        if (length > 0) {
            plain.add(new Plain(at, length));
        }
    }

    /** Where a matrix begins in the bucket, in bytes. */
    private long begin(LowRankMatrix each) {
        return each.matrix().offset() * Float.BYTES - offset;
    }

    /** Whether it is the bucket in this memory. */
    boolean suits(Region data) {
        return data.offset() == offset && data.byteLength() == byteLength;
    }

    /** Whether any of its elements are sent as factors. */
    boolean hasMatrices() {
        return !matrices.isEmpty();
    }

    /** Behind the first, at a multiple of 8 bytes. */
    private long secondAt() {
        return (firstBytes + Long.BYTES - 1) & -Long.BYTES;
    }

    /** Bytes that {@link #run} needs. */
    long bytes() {
        return secondAt() + secondBytes;
    }

    /**
     * Reduces the bucket in place.
     *
     * @param memory of {@link #bytes} or more; the same for all buckets
     */
    @SuppressWarnings("ReferenceEquality") // Memory that has grown is another region.
    void run(Region data, Region memory, FloatCopies copies, long step, int bucket) {
        if (memory != cut) {
            first = memory.slice(0, firstBytes);
            second = memory.slice(secondAt(), secondBytes);
            cut = memory;
        }
        long at = 0;
        for (int i = 0; i < matrices.size(); i++) {
            LowRankMatrix each = matrices.get(i);
            each.project(data, begin(each), copies, first, at);
            at += (long) each.leftLength() * Float.BYTES;
        }
        for (int i = 0; i < plain.size(); i++) {
            first.copyFrom(at, data, plain.get(i).at(), plain.get(i).length());
            at += plain.get(i).length();
        }
        exact.allReduce(first, ElementType.FLOAT32, ReduceOp.SUM, step, bucket);
        at = leftBytes;
        for (int i = 0; i < plain.size(); i++) {
            data.copyFrom(plain.get(i).at(), first, at, plain.get(i).length());
            at += plain.get(i).length();
        }
        secondFactors(data, copies, step, bucket);
    }

    private void secondFactors(Region data, FloatCopies copies, long step, int bucket) {
        long leftAt = 0;
        long rightAt = 0;
        for (int i = 0; i < matrices.size(); i++) {
            LowRankMatrix each = matrices.get(i);
            each.keepError(first, leftAt, data, begin(each), copies, second, rightAt);
            leftAt += (long) each.leftLength() * Float.BYTES;
            rightAt += (long) each.rightLength() * Float.BYTES;
        }
        exact.allReduce(second, ElementType.FLOAT32, ReduceOp.SUM, step, bucket);
        rightAt = 0;
        for (int i = 0; i < matrices.size(); i++) {
            LowRankMatrix each = matrices.get(i);
            each.restore(second, rightAt, data, begin(each), copies, step);
            rightAt += (long) each.rightLength() * Float.BYTES;
        }
    }
}
