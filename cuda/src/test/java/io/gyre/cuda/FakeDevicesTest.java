package io.gyre.cuda;

import io.gyre.device.Devices;
import io.gyre.testkit.DevicesContract;

/** Two devices on the fake driver. */
class FakeDevicesTest extends DevicesContract {

    @Override
    protected Devices devices() {
        FakeDriver.load(2, 0);
        return CudaDevices.open();
    }

    @Override
    protected void checkNothingIsLeft() {
        FakeDriver.assertNothingIsLeft();
    }
}
