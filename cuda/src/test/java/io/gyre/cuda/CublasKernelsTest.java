package io.gyre.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.device.Device;
import io.gyre.device.Devices;
import io.gyre.device.GradientKernels;
import io.gyre.testkit.GradientKernelsContract;

/**
 * Sums with cuBLAS, at all lengths, on the fake driver and a fake cuBLAS that rounds as the real one does.
 */
class CublasKernelsTest extends GradientKernelsContract {

    @Override
    protected Devices devices() {
        FakeDriver.load(1, 0);
        FakeCublas.configure(0, 0);
        return CudaDevices.open();
    }

    @Override
    protected GradientKernels kernels(Device owner) {
        String answer = ((CudaDevice) owner).tuneKernels((race, type) -> 1);
        assertThat(answer)
                .isEqualTo(
                        "cuBLAS 12.0 is used on device 0 (Fake GPU 0) for: sum of float32 from 1 elements; sum of float64"
                                + " from 1 elements");
        return owner.kernels();
    }

    @Override
    protected void checkNothingIsLeft() {
        assertThat(FakeCublas.calls()).isPositive();
        assertThat(FakeCublas.handles()).isZero();
        FakeDriver.assertNothingIsLeft();
    }
}
