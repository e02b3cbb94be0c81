package io.gyre.kernel;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.Region;
import java.nio.ByteBuffer;

/**
 * Element-wise arithmetic on direct buffers in native byte order.
 *
 * <p>{@link ScalarKernels} is the plain implementation and the oracle of every other. Implementations give the same bits as
 * it does: each result is one IEEE operation on two values, so there is no order to choose.
 *
 * <dl>
 *   <dt>Shape
 *   <dd>Offsets and lengths are in bytes, multiples of the element's size, inside the buffers.
 *   <dt>Threading
 *   <dd>An instance may hold scratch memory: one thread at a time.
 * </dl>
 */
public interface Kernels {

    /** For each element: {@code into = op(into, from)}. The two stretches do not overlap. */
    void reduce(
            ReduceOp op,
            ElementType type,
            ByteBuffer into,
            int intoOffset,
            ByteBuffer from,
            int fromOffset,
            int byteLength);

    /**
     * For each element: {@code data = data * factor}, with the factor rounded to the elements' type. A factor that is then 0 gives
     * 0, also for NaN and infinities.
     */
    void scale(ElementType type, ByteBuffer data, int offset, int byteLength, double factor);

    /** {@link #reduce} into a region, which may continue over several windows. */
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

    /** {@link #scale} of a whole region. */
    default void scale(ElementType type, Region data, double factor) {
        for (long done = 0; done < data.byteLength(); ) {
            int n = data.contiguous(done, data.byteLength() - done);
            scale(type, data.window(done), data.windowOffset(done), n, factor);
            done += n;
        }
    }
}
