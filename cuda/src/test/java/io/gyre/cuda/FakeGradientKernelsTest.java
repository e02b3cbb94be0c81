package io.gyre.cuda;

import io.gyre.device.Devices;
import io.gyre.testkit.GradientKernelsContract;

/** The real kernels, compiled for the host. */
class FakeGradientKernelsTest extends GradientKernelsContract {

    @Override
    protected Devices devices() {
        FakeDriver.load(1, 0);
        return CudaDevices.open();
    }

    @Override
    protected void checkNothingIsLeft() {
        FakeDriver.assertNothingIsLeft();
    }
}
