package io.gyre.cuda;

import io.gyre.device.Devices;
import io.gyre.testkit.DevicesContract;
import org.junit.jupiter.api.Tag;

/** On a GPU: fails without one, so that a green run means something. */
@Tag("gpu")
class RealDevicesTest extends DevicesContract {

    @Override
    protected Devices devices() {
        return CudaDevices.open();
    }
}
