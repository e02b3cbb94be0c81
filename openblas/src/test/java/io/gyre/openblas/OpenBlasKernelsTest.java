package io.gyre.openblas;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.kernel.Kernels;
import io.gyre.testkit.KernelsContract;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class OpenBlasKernelsTest extends KernelsContract {

    @Override
    protected Kernels kernels() {
        return new OpenBlasKernels();
    }

    @Test
    void memoryOutsideABufferIsOutOfReach() {
        ByteBuffer buffer = ByteBuffer.allocateDirect(1024);
        ByteBuffer other = ByteBuffer.allocateDirect(2048);

        assertThatThrownBy(() -> kernels().reduce(ReduceOp.SUM, ElementType.FLOAT32, buffer, 512, other, 0, 1024))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessageContaining("1024 bytes from 512");
        assertThatThrownBy(() -> kernels().scale(ElementType.FLOAT64, buffer, -8, 1024, 2))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> kernels().axpy(ElementType.FLOAT32, 2, other, 0, buffer, 512, 1024))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }
}
