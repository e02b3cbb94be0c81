package io.gyre.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/**
 * The plain kernels are the reference for all others, and have none themselves: the expected results are computed by
 * hand.
 */
class ScalarKernelsTest {

    private final Kernels kernels = new ScalarKernels();

    @Test
    void reductionsFollowTheDefinition() {
        for (ElementType type : ElementType.values()) {
            assertThat(reduced(ReduceOp.SUM, type, 2.5, -4)).isEqualTo(-1.5);
            assertThat(reduced(ReduceOp.MAX, type, 2.5, -4)).isEqualTo(2.5);
            assertThat(reduced(ReduceOp.MIN, type, 2.5, -4)).isEqualTo(-4);
            for (ReduceOp op : ReduceOp.values()) {
                assertThat(reduced(op, type, Double.NaN, 1)).isNaN();
                assertThat(reduced(op, type, 1, Double.NaN)).isNaN();
            }
            assertThat(reduced(ReduceOp.MAX, type, -0.0, 0.0)).isEqualTo(0.0);
            assertThat(reduced(ReduceOp.MIN, type, 0.0, -0.0)).isEqualTo(-0.0);
        }
    }

    @Test
    void axpyRoundsTheProductAndTheSum() {
        for (ElementType type : ElementType.values()) {
            assertThat(axpy(type, 3, 2, 0.5)).isEqualTo(6.5);
            // 1 + 2u times 1 - 2u is 1 - 4u², which rounds to 1; a fused operation would leave -4u².
            double u = type == ElementType.FLOAT32 ? 0x1p-23 : 0x1p-52;
            assertThat(axpy(type, 1 + u, 1 - u, -1)).isZero();
        }
    }

    private double axpy(ElementType type, double factor, double x, double y) {
        ByteBuffer into = value(type, y);
        kernels.axpy(type, factor, into, 0, value(type, x), 0, type.bytes());
        return read(type, into);
    }

    private double reduced(ReduceOp op, ElementType type, double a, double b) {
        ByteBuffer into = value(type, a);
        kernels.reduce(op, type, into, 0, value(type, b), 0, type.bytes());
        return read(type, into);
    }

    private static ByteBuffer value(ElementType type, double value) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(Double.BYTES).order(ByteOrder.nativeOrder());
        return type == ElementType.FLOAT32 ? buffer.putFloat(0, (float) value) : buffer.putDouble(0, value);
    }

    private static double read(ElementType type, ByteBuffer buffer) {
        return type == ElementType.FLOAT32 ? buffer.getFloat(0) : buffer.getDouble(0);
    }
}
