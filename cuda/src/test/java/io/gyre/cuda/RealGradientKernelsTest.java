package io.gyre.cuda;

import io.gyre.device.Devices;
import io.gyre.testkit.GradientKernelsContract;
import org.junit.jupiter.api.Tag;

/** On a GPU: fails without one. */
@Tag("gpu")
class RealGradientKernelsTest extends GradientKernelsContract {

    @Override
    protected Devices devices() {
        return CudaDevices.open();
    }
}
