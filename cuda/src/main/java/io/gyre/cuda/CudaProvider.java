package io.gyre.cuda;

import io.gyre.device.DeviceProvider;
import io.gyre.device.Devices;

/** NVIDIA's GPUs. References no JCuda class, so that it can be loaded anywhere. */
public final class CudaProvider implements DeviceProvider {

    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public Devices open() {
        return CudaDevices.open();
    }
}
