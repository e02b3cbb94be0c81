package io.gyre.openblas;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.kernel.ArrayKernels;
import io.gyre.kernel.Kernels;
import io.gyre.kernel.ScalarKernels;
import io.gyre.kernel.ViewCache;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.jspecify.annotations.Nullable;

/**
 * Sums and scales at native speed through OpenBLAS, which is on the class path of every Deeplearning4j program.
 * Delegates the rest to {@link ArrayKernels}.
 *
 * <p>BLAS has no {@code y = y + x}, but {@code y = 1 * x + y} is the same: a product with 1 is exact, fused or not.
 * With other factors, whether it is fused depends on the processor and the position in the vector, so {@link #axpy}
 * computes the products first and then their sums. OpenBLAS does not change the processor's rounding mode, and keeps
 * subnormal numbers.
 *
 * <p>No call is long enough for OpenBLAS to use its own threads, whatever their number is set to: that setting is
 * global to the process, and so belongs to ND4J.
 */
final class OpenBlasKernels implements Kernels {

    /** OpenBLAS 0.3 adds more than 10,000 elements with several threads. Larger blocks are not faster. */
    private static final int BLOCK = 8192;

    /** A native call costs as much as adding this many elements one by one. */
    private static final int FEW = 64;

    /** Products stay in the first-level cache until they are summed, next to as much of their target. */
    private static final int PRODUCTS_BYTES = 8 << 10;

    private final ByteBuffer products =
            ByteBuffer.allocateDirect(PRODUCTS_BYTES).order(ByteOrder.nativeOrder());
    private final Kernels few = new ScalarKernels();
    private final Kernels arrays = new ArrayKernels();
    private final ViewCache<BytePointer> memory = new ViewCache<>(BytePointer::new);
    private final Floats floatsInto = new Floats();
    private final Floats floatsFrom = new Floats();
    private final Doubles doublesInto = new Doubles();
    private final Doubles doublesFrom = new Doubles();

    @Override
    public void reduce(
            ReduceOp op,
            ElementType type,
            ByteBuffer into,
            int intoOffset,
            ByteBuffer from,
            int fromOffset,
            int byteLength) {
        int count = byteLength / type.bytes();
        if (count < FEW) {
            few.reduce(op, type, into, intoOffset, from, fromOffset, byteLength);
            return;
        }
        long target = address(into, intoOffset);
        long source = address(from, fromOffset);
        if (op != ReduceOp.SUM || !isAligned(target, type) || !isAligned(source, type)) {
            arrays.reduce(op, type, into, intoOffset, from, fromOffset, byteLength);
            return;
        }
        checkInside(into, intoOffset, byteLength);
        checkInside(from, fromOffset, byteLength);
        sum(type, target, source, count);
    }

    private void sum(ElementType type, long target, long source, int count) {
        for (int done = 0; done < count; done += BLOCK) {
            int n = Math.min(BLOCK, count - done);
            long offset = (long) done * type.bytes();
            switch (type) {
                case FLOAT32 ->
                    openblas_nolapack.cblas_saxpy(
                            n, 1, floatsFrom.at(source + offset), 1, floatsInto.at(target + offset), 1);
                case FLOAT64 ->
                    openblas_nolapack.cblas_daxpy(
                            n, 1, doublesFrom.at(source + offset), 1, doublesInto.at(target + offset), 1);
            }
        }
    }

    @Override
    public void scale(ElementType type, ByteBuffer data, int offset, int byteLength, double factor) {
        int count = byteLength / type.bytes();
        if (count < FEW) {
            few.scale(type, data, offset, byteLength, factor);
        } else if (isSpecial(factor) || !isAligned(address(data, offset), type)) {
            arrays.scale(type, data, offset, byteLength, factor);
        } else {
            checkInside(data, offset, byteLength);
            scale(type, address(data, offset), count, factor);
        }
    }

    private void scale(ElementType type, long target, int count, double factor) {
        for (int done = 0; done < count; done += BLOCK) {
            int n = Math.min(BLOCK, count - done);
            long offset = (long) done * type.bytes();
            switch (type) {
                case FLOAT32 -> openblas_nolapack.cblas_sscal(n, (float) factor, floatsInto.at(target + offset), 1);
                case FLOAT64 -> openblas_nolapack.cblas_dscal(n, factor, doublesInto.at(target + offset), 1);
            }
        }
    }

    @Override
    public void axpy(
            ElementType type,
            double factor,
            ByteBuffer into,
            int intoOffset,
            ByteBuffer from,
            int fromOffset,
            int byteLength) {
        if (byteLength / type.bytes() < FEW
                || isSpecial(factor)
                || !isAligned(address(into, intoOffset), type)
                || !isAligned(address(from, fromOffset), type)) {
            arrays.axpy(type, factor, into, intoOffset, from, fromOffset, byteLength);
            return;
        }
        checkInside(into, intoOffset, byteLength);
        checkInside(from, fromOffset, byteLength);
        for (int done = 0; done < byteLength; done += PRODUCTS_BYTES) {
            int n = Math.min(PRODUCTS_BYTES, byteLength - done);
            products.put(0, from, fromOffset + done, n);
            scale(type, products, 0, n, factor);
            reduce(ReduceOp.SUM, type, into, intoOffset + done, products, 0, n);
        }
    }

    /** OpenBLAS treats products with 0 and NaN as special cases, in its own way. */
    private static boolean isSpecial(double factor) {
        return (float) factor == 0 || Double.isNaN(factor);
    }

    private long address(ByteBuffer buffer, int offset) {
        return memory.of(buffer, 0).address() + offset;
    }

    /** Some of OpenBLAS's loops for older processors fail on an element that crosses a word boundary. */
    private static boolean isAligned(long address, ElementType type) {
        return address % type.bytes() == 0;
    }

    /** Native code does not check bounds. */
    private static void checkInside(ByteBuffer buffer, int offset, int byteLength) {
        if (offset < 0 || offset > buffer.capacity() - byteLength) {
            throw new IndexOutOfBoundsException(
                    byteLength + " bytes from " + offset + " are outside a buffer of " + buffer.capacity());
        }
    }

    @Override
    public String toString() {
        return "OpenBLAS";
    }

    /** A pointer that can be moved instead of allocated anew. */
    private static final class Floats extends FloatPointer {
        Floats() {
            super((@Nullable Pointer) null);
        }

        Floats at(long newAddress) {
            address = newAddress;
            return this;
        }
    }

    private static final class Doubles extends DoublePointer {
        Doubles() {
            super((@Nullable Pointer) null);
        }

        Doubles at(long newAddress) {
            address = newAddress;
            return this;
        }
    }
}
