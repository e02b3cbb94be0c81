package io.gyre.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.device.Device;
import io.gyre.device.Devices;
import io.gyre.device.GradientKernels;
import io.gyre.testkit.GradientKernelsContract;

/**
 * Sums and scaling with cuBLAS, at all lengths, on the fake driver and a fake cuBLAS that rounds as the real one does.
 */
class CublasKernelsTest extends GradientKernelsContract {

    @Override
    protected Devices devices() {
        FakeDriver.load(1, true, 0);
        FakeCublas.configure(0, 0, 0);
        return CudaDevices.open();
    }

    @Override
    protected GradientKernels kernels(Device owner) {
        String answer = ((CudaDevice) owner).tuneKernels((race, operation, type) -> 1);
        assertThat(answer)
                .startsWith("cuBLAS 12.0 is used on device 0 (Fake GPU 0) for: sum of float32 from 1 elements;")
                .contains("scale of float64 from 1 elements", "axpy of float32 no, its results are other bits");
        return owner.kernels();
    }

    @Override
    protected void checkNothingIsLeft() {
        assertThat(FakeCublas.calls()).isPositive();
        assertThat(FakeCublas.handles()).isZero();
        FakeDriver.assertNothingIsLeft();
    }
}
