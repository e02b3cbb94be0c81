package io.gyre.kernel;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;

/**
 * Element-wise arithmetic on direct buffers in native byte order.
 *
 * <p>{@link ScalarKernels} is the plain implementation, and the reference for all others. All implementations give the
 * same bits: each result is computed by a few IEEE operations in a fixed order.
 *
 * <dl>
 *   <dt>Shape
 *   <dd>Offsets and lengths are in bytes, multiples of the element size, and inside the buffers.
 *   <dt>Threading
 *   <dd>An instance may hold scratch memory; use it from one thread at a time.
 * </dl>
 */
public interface Kernels {

    /** For each element: {@code into = op(into, from)}. The two ranges must not overlap. */
    void reduce(
            ReduceOp op,
            ElementType type,
            ByteBuffer into,
            int intoOffset,
            ByteBuffer from,
            int fromOffset,
            int byteLength);

    /**
     * For each element: {@code data = data * factor}, with the factor rounded to the element type. If the factor is
     * then 0, the result is 0, even for NaN and infinities.
     */
    void scale(ElementType type, ByteBuffer data, int offset, int byteLength, double factor);

    /**
     * For each element: {@code into = into + factor * from}, with the factor rounded to the element type. Product and
     * sum are rounded separately: a fused operation would give other bits than processors without one. The two ranges
     * must not overlap.
     */
    void axpy(
            ElementType type,
            double factor,
            ByteBuffer into,
            int intoOffset,
            ByteBuffer from,
            int fromOffset,
            int byteLength);

    /** {@link #reduce} into a region, which may span several windows. */
    default void reduce(
            ReduceOp op,
            ElementType type,
            Region into,
            long intoOffset,
            ByteBuffer from,
            int fromOffset,
            int byteLength) {
        for (int done = 0; done < byteLength; ) {
            long at = intoOffset + done;
            int n = into.contiguous(at, byteLength - done);
            reduce(op, type, into.window(at), into.windowOffset(at), from, fromOffset + done, n);
            done += n;
        }
    }

    /** {@link #reduce} of whole regions; {@code from} is no longer than {@code into}. */
    default void reduce(ReduceOp op, ElementType type, Region into, Region from) {
        for (long done = 0; done < from.byteLength(); ) {
            int n = from.contiguous(done, from.byteLength() - done);
            reduce(op, type, into, done, from.window(done), from.windowOffset(done), n);
            done += n;
        }
    }

    /** {@link #axpy} of whole regions; {@code from} is no longer than {@code into}. */
    default void axpy(ElementType type, double factor, Region into, Region from) {
        for (long done = 0; done < from.byteLength(); ) {
            int n = into.contiguous(done, from.contiguous(done, from.byteLength() - done));
            axpy(
                    type,
                    factor,
                    into.window(done),
                    into.windowOffset(done),
                    from.window(done),
                    from.windowOffset(done),
                    n);
            done += n;
        }
    }

    /** {@link #scale} of a whole region. */
    default void scale(ElementType type, Region data, double factor) {
        for (long done = 0; done < data.byteLength(); ) {
            int n = data.contiguous(done, data.byteLength() - done);
            scale(type, data.window(done), data.windowOffset(done), n, factor);
            done += n;
        }
    }
}
