package io.gyre.device;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
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

    @Override
    public void sum(
            DeviceStream stream,
            ElementType type,
            DeviceBuffer into,
            long intoOffset,
            DeviceBuffer from,
            long fromOffset,
            long count) {
        Region target = part(stream, into, intoOffset, count, type.bytes());
        Region source = part(stream, from, fromOffset, count, type.bytes());
        kernels.reduce(ReduceOp.SUM, type, target, source);
    }

    @Override
    public void findNotFinite(DeviceStream stream, ElementType type, DeviceBuffer data, DeviceBuffer flag) {
        Region word = part(stream, flag, 0, 1, Integer.BYTES);
        if (!isFinite(type, part(stream, data, 0, data.byteLength() / type.bytes(), type.bytes()))) {
            word.window(0).putInt(word.windowOffset(0), 1);
        }
    }

    private static boolean isFinite(ElementType type, Region data) {
        for (long at = 0; at < data.byteLength(); at += type.bytes()) {
            double value = switch (type) {
                case FLOAT32 -> data.getFloat(at);
                case FLOAT64 -> data.getDouble(at);
            };
            if (!Double.isFinite(value)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public String toString() {
        return "plain Java";
    }
}
