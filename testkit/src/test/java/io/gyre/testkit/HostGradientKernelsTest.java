package io.gyre.testkit;

import io.gyre.device.Devices;
import io.gyre.device.HostDevices;

class HostGradientKernelsTest extends GradientKernelsContract {

    @Override
    protected Devices devices() {
        return new HostDevices(1);
    }
}
