package io.gyre.testkit;

import io.gyre.device.Devices;
import io.gyre.device.HostDevices;

class HostDevicesTest extends DevicesContract {

    @Override
    protected Devices devices() {
        return new HostDevices(4);
    }
}
