package io.gyre.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.device.Device;
import io.gyre.device.Devices;
import io.gyre.device.GradientKernels;
import io.gyre.testkit.GradientKernelsContract;

/**
 * All operations of a cuBLAS that rounds as Gyre's kernels do: no such version is known, but this tests the axpy path.
 */
class CublasTwiceRoundingKernelsTest extends GradientKernelsContract {

    @Override
    protected Devices devices() {
        FakeDriver.load(1, true, 0);
        FakeCublas.configure(1, 0, 0);
        return CudaDevices.open();
    }

    @Override
    protected GradientKernels kernels(Device owner) {
        assertThat(((CudaDevice) owner).tuneKernels((race, operation, type) -> 1))
                .contains("axpy of float32 from 1 elements; axpy of float64 from 1 elements");
        return owner.kernels();
    }

    @Override
    protected void checkNothingIsLeft() {
        assertThat(FakeCublas.handles()).isZero();
        FakeDriver.assertNothingIsLeft();
    }
}
