package io.gyre.cuda;

import io.gyre.device.Devices;
import io.gyre.testkit.DevicesContract;
import org.junit.jupiter.api.Tag;

/** On a GPU: fails where there is none, so that a green run proves something. */
@Tag("gpu")
class RealDevicesTest extends DevicesContract {

    @Override
    protected Devices devices() {
        return CudaDevices.open();
    }
}
