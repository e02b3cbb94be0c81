package io.gyre.device;

import io.gyre.ElementType;
import io.gyre.kernel.HalfFormat;

/**
 * Wraps kernels with the argument checks that {@link GradientKernels} promises. The kernels themselves check whether
 * streams and buffers are open.
 */
public final class CheckedKernels implements GradientKernels {

    private final GradientKernels kernels;

    /**
     * Wraps kernels.
     *
     * @param kernels called with valid arguments only
     */
    public CheckedKernels(GradientKernels kernels) {
        this.kernels = kernels;
    }

    /**
     * Fails unless a range is within its buffer, at a multiple of the element's size, and the buffer is on the stream's
     * device.
     */
    private static void check(DeviceStream stream, DeviceBuffer buffer, long offset, long count, int elementBytes) {
        Bounds.check(buffer, offset, count, elementBytes);
        DeviceInfo here = stream.device().info();
        DeviceInfo there = buffer.device().info();
        if (here.ordinal() != there.ordinal()) {
            throw new IllegalArgumentException(
                    "device buffer '" + buffer.name() + "' is on " + there + ", and the kernel runs on " + here);
        }
    }

    /** Fails if two ranges overlap. */
    private static void checkApart(
            DeviceBuffer into, long intoOffset, long intoBytes, DeviceBuffer from, long fromOffset, long fromBytes) {
        long target = into.address() + intoOffset;
        long source = from.address() + fromOffset;
        if (target < source + fromBytes && source < target + intoBytes) {
            throw new IllegalArgumentException(intoBytes + " bytes from " + intoOffset + " of device buffer '"
                    + into.name() + "' and " + fromBytes + " bytes from " + fromOffset + " of '" + from.name()
                    + "' overlap");
        }
    }

    private static void checkPair(
            DeviceStream stream,
            DeviceBuffer into,
            long intoOffset,
            int intoBytes,
            DeviceBuffer from,
            long fromOffset,
            int fromBytes,
            long count) {
        check(stream, into, intoOffset, count, intoBytes);
        check(stream, from, fromOffset, count, fromBytes);
        checkApart(into, intoOffset, count * intoBytes, from, fromOffset, count * fromBytes);
    }

    @Override
    public void sum(
            DeviceStream stream,
            ElementType type,
            DeviceBuffer into,
            long intoOffset,
            DeviceBuffer from,
            long fromOffset,
            long count) {
        checkPair(stream, into, intoOffset, type.bytes(), from, fromOffset, type.bytes(), count);
        kernels.sum(stream, type, into, intoOffset, from, fromOffset, count);
    }

    @Override
    public void scale(
            DeviceStream stream, ElementType type, DeviceBuffer data, long offset, long count, double factor) {
        check(stream, data, offset, count, type.bytes());
        kernels.scale(stream, type, data, offset, count, factor);
    }

    @Override
    public void axpy(
            DeviceStream stream,
            ElementType type,
            double factor,
            DeviceBuffer into,
            long intoOffset,
            DeviceBuffer from,
            long fromOffset,
            long count) {
        checkPair(stream, into, intoOffset, type.bytes(), from, fromOffset, type.bytes(), count);
        kernels.axpy(stream, type, factor, into, intoOffset, from, fromOffset, count);
    }

    @Override
    public void narrow(
            DeviceStream stream,
            HalfFormat format,
            DeviceBuffer from,
            long fromOffset,
            DeviceBuffer into,
            long intoOffset,
            long count) {
        checkPair(stream, into, intoOffset, HalfFormat.BYTES, from, fromOffset, Float.BYTES, count);
        kernels.narrow(stream, format, from, fromOffset, into, intoOffset, count);
    }

    @Override
    public void widen(
            DeviceStream stream,
            HalfFormat format,
            DeviceBuffer from,
            long fromOffset,
            DeviceBuffer into,
            long intoOffset,
            long count) {
        checkPair(stream, into, intoOffset, Float.BYTES, from, fromOffset, HalfFormat.BYTES, count);
        kernels.widen(stream, format, from, fromOffset, into, intoOffset, count);
    }

    @Override
    public void findNotFinite(
            DeviceStream stream,
            ElementType type,
            DeviceBuffer data,
            long offset,
            long count,
            DeviceBuffer flag,
            long flagOffset) {
        check(stream, data, offset, count, type.bytes());
        check(stream, flag, flagOffset, 1, Integer.BYTES);
        checkApart(flag, flagOffset, Integer.BYTES, data, offset, count * type.bytes());
        kernels.findNotFinite(stream, type, data, offset, count, flag, flagOffset);
    }

    @Override
    public void encodeThreshold(
            DeviceStream stream,
            DeviceBuffer data,
            long offset,
            long count,
            float threshold,
            DeviceBuffer entries,
            long entriesOffset,
            int capacity,
            DeviceBuffer scratch) {
        if (!(threshold > 0) || count > Integer.MAX_VALUE - 1) {
            throw new IllegalArgumentException("threshold " + threshold + " for " + count
                    + " elements: it must be positive, and they at most 2^31 - 2");
        }
        long scratchBytes = GradientKernels.scratchBytes(count);
        long entriesBytes = (long) capacity * Integer.BYTES;
        check(stream, data, offset, count, Float.BYTES);
        check(stream, entries, entriesOffset, capacity, Integer.BYTES);
        check(stream, scratch, 0, scratchBytes / Integer.BYTES, Integer.BYTES);
        checkApart(data, offset, count * Float.BYTES, entries, entriesOffset, entriesBytes);
        checkApart(data, offset, count * Float.BYTES, scratch, 0, scratchBytes);
        checkApart(entries, entriesOffset, entriesBytes, scratch, 0, scratchBytes);
        kernels.encodeThreshold(stream, data, offset, count, threshold, entries, entriesOffset, capacity, scratch);
    }

    @Override
    public String toString() {
        return kernels.toString();
    }
}
