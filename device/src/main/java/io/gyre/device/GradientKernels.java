package io.gyre.device;

import io.gyre.ElementType;
import io.gyre.kernel.HalfFormat;

/**
 * Elementwise arithmetic on a device. Every method enqueues work and returns. Results are bit-identical to those of
 * {@link io.gyre.kernel.ScalarKernels}, except for the bits of NaNs.
 *
 * <p>Offsets are in bytes, multiples of the element's size; counts are in elements. All buffers are on the stream's
 * device. Ranges do not overlap. {@link CheckedKernels} rejects violations for all implementations.
 */
public interface GradientKernels {

    /** Number of elements whose entries {@link #encodeThreshold} counts together. */
    int CHUNK_ELEMENTS = 32;

    /** Number of chunks whose counts it sums together. */
    int GROUP_CHUNKS = 1024;

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
     * {@code data = data * factor}, with the factor rounded to the elements' type; 0 gives 0, also for NaN and
     * infinities.
     */
    void scale(DeviceStream stream, ElementType type, DeviceBuffer data, long offset, long count, double factor);

    /** {@code into = into + factor * from}, with product and sum each rounded. */
    void axpy(
            DeviceStream stream,
            ElementType type,
            double factor,
            DeviceBuffer into,
            long intoOffset,
            DeviceBuffer from,
            long fromOffset,
            long count);

    /** Converts floats to 16-bit floats. */
    void narrow(
            DeviceStream stream,
            HalfFormat format,
            DeviceBuffer from,
            long fromOffset,
            DeviceBuffer into,
            long intoOffset,
            long count);

    /** Converts 16-bit floats to floats. */
    void widen(
            DeviceStream stream,
            HalfFormat format,
            DeviceBuffer from,
            long fromOffset,
            DeviceBuffer into,
            long intoOffset,
            long count);

    /**
     * Sets a flag if any element is NaN or infinite, and otherwise leaves it unchanged.
     *
     * @param flag an int, set to 1
     */
    void findNotFinite(
            DeviceStream stream,
            ElementType type,
            DeviceBuffer data,
            long offset,
            long count,
            DeviceBuffer flag,
            long flagOffset);

    /**
     * Extracts what is at least as large as a threshold from a vector of floats (Strom, "Scalable distributed DNN
     * training using commodity GPU cloud computing", Interspeech 2015). For each element {@code v >= threshold} an
     * entry {@code index + 1} is written and the threshold subtracted; for {@code v <= -threshold}, {@code -(index +
     * 1)}, and it is added. Entries are in ascending order of the index, the same in every run. Entries beyond the
     * capacity are not written, and their elements stay unchanged.
     *
     * @param count at most 2^31 - 2
     * @param threshold positive
     * @param entries ints
     * @param capacity in entries
     * @param scratch {@link #scratchBytes} long; its first int becomes the number of elements that reach the threshold,
     *     which may exceed the capacity
     */
    void encodeThreshold(
            DeviceStream stream,
            DeviceBuffer data,
            long offset,
            long count,
            float threshold,
            DeviceBuffer entries,
            long entriesOffset,
            int capacity,
            DeviceBuffer scratch);

    /** Length of the scratch memory of {@link #encodeThreshold}: a total, the group sums, and the chunk offsets. */
    static long scratchBytes(long count) {
        return Integer.BYTES * (1 + groups(count) + chunks(count));
    }

    /** Number of chunks for {@code count} elements. */
    static long chunks(long count) {
        return (count + CHUNK_ELEMENTS - 1) / CHUNK_ELEMENTS;
    }

    /** Number of groups for {@code count} elements. */
    static long groups(long count) {
        return (chunks(count) + GROUP_CHUNKS - 1) / GROUP_CHUNKS;
    }
}
