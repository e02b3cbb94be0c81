package io.gyre.cuda;

import io.gyre.device.Devices;
import io.gyre.testkit.DevicesContract;

/** Devices that copy through the host: on the fake driver. */
class PeerlessFakeDevicesTest extends DevicesContract {

    @Override
    protected Devices devices() {
        FakeDriver.load(3, false, 100);
        return CudaDevices.open();
    }

    @Override
    protected void checkNothingIsLeft() {
        FakeDriver.assertNothingIsLeft();
    }
}
