package io.gyre.device;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.kernel.HalfFormat;
import io.gyre.kernel.Kernels;
import io.gyre.kernel.ScalarKernels;
import io.gyre.memory.Region;

/**
 * {@link ScalarKernels} on the memory of a device that is the host. {@link CheckedKernels} has checked the arguments.
 */
final class HostKernels implements GradientKernels {

    private final Kernels kernels = new ScalarKernels();

    /** Memory of the buffer from the offset. */
    private static Region part(DeviceStream stream, DeviceBuffer buffer, long offset, long count, int elementBytes) {
        ((HostStream) stream).check();
        return HostBuffer.region(buffer).slice(offset, count * elementBytes);
    }

    /** Work on two ranges whose windows may end at different places; lengths are in elements. */
    private interface Pairwise {
        void run(Region into, long intoAt, Region from, long fromAt, int elements);
    }

    private static void inPieces(Region into, int intoBytes, Region from, int fromBytes, long count, Pairwise work) {
        for (long done = 0; done < count; ) {
            int intoElements = into.contiguous(done * intoBytes, (count - done) * intoBytes) / intoBytes;
            int fromElements = from.contiguous(done * fromBytes, (count - done) * fromBytes) / fromBytes;
            int n = Math.min(intoElements, fromElements);
            work.run(into, done * intoBytes, from, done * fromBytes, n);
            done += n;
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
        int bytes = type.bytes();
        inPieces(
                part(stream, into, intoOffset, count, bytes),
                bytes,
                part(stream, from, fromOffset, count, bytes),
                bytes,
                count,
                (a, at, b, bAt, n) -> kernels.reduce(
                        ReduceOp.SUM,
                        type,
                        a.window(at),
                        a.windowOffset(at),
                        b.window(bAt),
                        b.windowOffset(bAt),
                        n * bytes));
    }

    @Override
    public void scale(
            DeviceStream stream, ElementType type, DeviceBuffer data, long offset, long count, double factor) {
        kernels.scale(type, part(stream, data, offset, count, type.bytes()), factor);
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
        int bytes = type.bytes();
        inPieces(
                part(stream, into, intoOffset, count, bytes),
                bytes,
                part(stream, from, fromOffset, count, bytes),
                bytes,
                count,
                (a, at, b, bAt, n) -> kernels.axpy(
                        type, factor, a.window(at), a.windowOffset(at), b.window(bAt), b.windowOffset(bAt), n * bytes));
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
        inPieces(
                part(stream, into, intoOffset, count, HalfFormat.BYTES),
                HalfFormat.BYTES,
                part(stream, from, fromOffset, count, Float.BYTES),
                Float.BYTES,
                count,
                (a, at, b, bAt, n) -> kernels.narrow(
                        format, b.window(bAt), b.windowOffset(bAt), a.window(at), a.windowOffset(at), n));
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
        inPieces(
                part(stream, into, intoOffset, count, Float.BYTES),
                Float.BYTES,
                part(stream, from, fromOffset, count, HalfFormat.BYTES),
                HalfFormat.BYTES,
                count,
                (a, at, b, bAt, n) ->
                        kernels.widen(format, b.window(bAt), b.windowOffset(bAt), a.window(at), a.windowOffset(at), n));
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
        Region word = part(stream, flag, flagOffset, 1, Integer.BYTES);
        if (!kernels.isFinite(type, part(stream, data, offset, count, type.bytes()))) {
            putInt(word, 0, 1);
        }
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
        Region vector = part(stream, data, offset, count, Float.BYTES);
        Region out = part(stream, entries, entriesOffset, capacity, Integer.BYTES);
        int found = 0;
        for (long i = 0; i < count; i++) {
            float value = vector.getFloat(i * Float.BYTES);
            boolean positive = value >= threshold;
            if (positive || value <= -threshold) {
                if (found < capacity) {
                    int entry = (int) (i + 1);
                    putInt(out, (long) found * Integer.BYTES, positive ? entry : -entry);
                    vector.putFloat(i * Float.BYTES, positive ? value - threshold : value + threshold);
                }
                found++;
            }
        }
        putInt(part(stream, scratch, 0, 1, Integer.BYTES), 0, found);
    }

    private static void putInt(Region region, long at, int value) {
        region.window(at).putInt(region.windowOffset(at), value);
    }

    @Override
    public String toString() {
        return "plain Java";
    }
}
