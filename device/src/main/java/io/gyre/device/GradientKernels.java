package io.gyre.device;

import io.gyre.ElementType;

/**
 * Elementwise arithmetic on a device. Every method enqueues work and returns. Results are bit-identical to those of
 * {@link io.gyre.kernel.ScalarKernels}, except for the bits of NaNs.
 *
 * <p>Offsets are in bytes, multiples of the element's size; counts are in elements. All buffers are on the stream's
 * device. Ranges do not overlap. {@link CheckedKernels} rejects violations for all implementations.
 */
public interface GradientKernels {

    /** {@code into = into + from}. */
    void sum(
            DeviceStream stream,
            ElementType type,
            DeviceBuffer into,
            long intoOffset,
            DeviceBuffer from,
            long fromOffset,
            long count);

    /**
     * Sets the first int of a flag to 1 if any element is NaN or infinite, and otherwise leaves it unchanged.
     *
     * @param data whole elements
     */
    void findNotFinite(DeviceStream stream, ElementType type, DeviceBuffer data, DeviceBuffer flag);
}
