package io.gyre.device;

import io.gyre.ElementType;

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

    @Override
    public void sum(
            DeviceStream stream,
            ElementType type,
            DeviceBuffer into,
            long intoOffset,
            DeviceBuffer from,
            long fromOffset,
            long count) {
        check(stream, into, intoOffset, count, type.bytes());
        check(stream, from, fromOffset, count, type.bytes());
        checkApart(into, intoOffset, count * type.bytes(), from, fromOffset, count * type.bytes());
        kernels.sum(stream, type, into, intoOffset, from, fromOffset, count);
    }

    @Override
    public void findNotFinite(DeviceStream stream, ElementType type, DeviceBuffer data, DeviceBuffer flag) {
        check(stream, data, 0, data.byteLength() / type.bytes(), type.bytes());
        check(stream, flag, 0, 1, Integer.BYTES);
        checkApart(flag, 0, Integer.BYTES, data, 0, data.byteLength());
        kernels.findNotFinite(stream, type, data, flag);
    }

    @Override
    public String toString() {
        return kernels.toString();
    }
}
