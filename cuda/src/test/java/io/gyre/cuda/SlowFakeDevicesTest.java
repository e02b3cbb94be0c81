package io.gyre.cuda;

import io.gyre.device.Devices;
import io.gyre.testkit.DevicesContract;

/** 4 devices with slow streams, on the fake driver. */
class SlowFakeDevicesTest extends DevicesContract {

    @Override
    protected Devices devices() {
        FakeDriver.load(4, 300);
        return CudaDevices.open();
    }

    @Override
    protected void checkNothingIsLeft() {
        FakeDriver.assertNothingIsLeft();
    }
}
