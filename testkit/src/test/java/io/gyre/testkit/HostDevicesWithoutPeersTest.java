package io.gyre.testkit;

import io.gyre.device.Devices;
import io.gyre.device.HostDevices;

class HostDevicesWithoutPeersTest extends DevicesContract {

    @Override
    protected Devices devices() {
        return new HostDevices(3, false);
    }
}
