package io.gyre.dl4j;

import io.gyre.training.StepReport;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.bytedeco.javacpp.BytePointer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * Fingerprints of data read: equal for equal data, different otherwise. CRC32C of the values, mixed with types and
 * shapes.
 *
 * <p>A fingerprint is sent as {@link StepReport#FINGERPRINT_BITS} bits in two fields: the upper for the order in which
 * data are read, the lower {@link #VALUE_BITS} for their values. A lower field of 0 means unknown values: it agrees
 * with any.
 */
final class Fingerprint {

    /** Before anything is read. */
    static final long START = 1;

    private static final int VALUE_BITS = 32;
    private static final long VALUE_MASK = (1L << VALUE_BITS) - 1;
    private static final long ORDER_MASK = (1L << (StepReport.FINGERPRINT_BITS - VALUE_BITS)) - 1;
    private static final long WINDOW_BYTES = 1L << 30;

    private Fingerprint() {}

    /** Fingerprint of a batch: values, types and shapes of all its arrays. */
    static long of(MultiDataSet batch) {
        long features = of(batch.getFeatures());
        long labels = of(batch.getLabels());
        long featuresMasks = of(batch.getFeaturesMaskArrays());
        return Seeds.derive(START, features, labels, featuresMasks, of(batch.getLabelsMaskArrays()));
    }

    private static long of(@Nullable INDArray @Nullable [] arrays) {
        long running = START;
        if (arrays != null) {
            for (INDArray array : arrays) {
                running = Seeds.derive(running, array == null ? 0 : of(array));
            }
        }
        return running;
    }

    private static long of(INDArray array) {
        long shape = Seeds.derive(array.dataType().name().hashCode(), array.shape());
        if (array.isEmpty()) {
            return shape;
        }
        INDArray dense = isDense(array) ? array : array.dup('c');
        try {
            HostMemory.beginUse(dense);
            return Seeds.derive(START, shape, crc(dense));
        } finally {
            // ND4J frees an array's memory once the array is unreachable, even while it is read.
            Reference.reachabilityFence(dense);
        }
    }

    static boolean isDense(INDArray array) {
        return array.ordering() == 'c' && Shape.hasDefaultStridesForShape(array);
    }

    private static long crc(INDArray dense) {
        CRC32C crc = new CRC32C();
        long bytes = dense.length() * dense.dataType().width();
        BytePointer memory = new BytePointer(dense.data().addressPointer());
        for (long at = 0; at < bytes; at += WINDOW_BYTES) {
            ByteBuffer window = memory.getPointer(at)
                    .capacity(Math.min(WINDOW_BYTES, bytes - at))
                    .asByteBuffer();
            crc.update(window);
        }
        return crc.getValue();
    }

    /** Extends the fingerprint of what was read before by what was read now. */
    static long extend(long running, long next) {
        return Seeds.derive(START, running, next);
    }

    /** The sent form of a running fingerprint of both order and values. */
    static long ofRunning(long running) {
        return of(running >>> VALUE_BITS, value(running));
    }

    /**
     * The sent form of two fingerprints.
     *
     * @param value from {@link #value}; 0 if unknown
     */
    static long of(long order, long value) {
        return ((order & ORDER_MASK) << VALUE_BITS) | (value & VALUE_MASK);
    }

    /** The sent part of a fingerprint of values; never 0. */
    static long value(long fingerprint) {
        long value = fingerprint & VALUE_MASK;
        return value == 0 ? 1 : value;
    }

    /** Whether a sent fingerprint is of data that all ranks read, with values that cannot be compared. */
    static boolean isOfUnknownValues(long travelled) {
        return travelled != 0 && (travelled & VALUE_MASK) == 0;
    }

    /** Whether fingerprints sent by two ranks may be of equal data. */
    static boolean agree(long one, long other) {
        boolean anyUnknown = (one & VALUE_MASK) == 0 || (other & VALUE_MASK) == 0;
        return anyUnknown ? one >>> VALUE_BITS == other >>> VALUE_BITS : one == other;
    }

    /** Of two fingerprints that agree, the one with more information. */
    static long moreKnown(long one, long other) {
        return (one & VALUE_MASK) == 0 ? other : one;
    }
}
