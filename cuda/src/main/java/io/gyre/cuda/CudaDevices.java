package io.gyre.cuda;

import io.gyre.device.Device;
import io.gyre.device.DeviceInfo;
import io.gyre.device.Devices;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.JCudaDriver;

/** The GPUs that the CUDA driver makes visible to this process. */
final class CudaDevices implements Devices {

    private static final int NAME_BYTES = 256;

    private final List<DeviceInfo> infos = new ArrayList<>();
    private final int version;

    private CudaDevices() {
        int[] value = new int[1];
        Driver.check(JCudaDriver.cuDriverGetVersion(value), "get its version");
        version = value[0];
        Driver.check(JCudaDriver.cuDeviceGetCount(value), "count devices");
        int count = value[0];
        for (int i = 0; i < count; i++) {
            infos.add(describe(i));
        }
    }

    /** Loads the driver, and lists the devices. */
    static Devices open() {
        Driver.load();
        return new CudaDevices();
    }

    private static DeviceInfo describe(int ordinal) {
        CUdevice device = handle(ordinal);
        byte[] name = new byte[NAME_BYTES];
        Driver.check(JCudaDriver.cuDeviceGetName(name, NAME_BYTES, device), "name device " + ordinal);
        long[] total = new long[1];
        Driver.check(JCudaDriver.cuDeviceTotalMem(total, device), "get the memory of device " + ordinal);
        return new DeviceInfo(
                ordinal,
                new String(name, StandardCharsets.UTF_8).replace("\0", "").strip(),
                attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
                attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
                total[0]);
    }

    static CUdevice handle(int ordinal) {
        CUdevice device = new CUdevice();
        Driver.check(JCudaDriver.cuDeviceGet(device, ordinal), "find device " + ordinal);
        return device;
    }

    static int attribute(CUdevice device, int attribute) {
        int[] value = new int[1];
        Driver.check(JCudaDriver.cuDeviceGetAttribute(value, attribute, device), "describe a device");
        return value[0];
    }

    @Override
    public String name() {
        return "CUDA driver " + version / 1000 + "." + version % 1000 / 10;
    }

    @Override
    public List<DeviceInfo> list() {
        return List.copyOf(infos);
    }

    @Override
    public boolean peerAccess(int from, int to) {
        if (from == to) {
            return true;
        }
        int[] can = new int[1];
        Driver.check(
                JCudaDriver.cuDeviceCanAccessPeer(can, handle(from), handle(to)),
                "check whether device " + from + " reaches device " + to);
        return can[0] != 0;
    }

    @Override
    public Device open(int ordinal) {
        if (ordinal < 0 || ordinal >= infos.size()) {
            throw new IllegalArgumentException("there is no device " + ordinal + ", but 0 to " + (infos.size() - 1));
        }
        return new CudaDevice(infos.get(ordinal));
    }

    @Override
    public void close() {
        // The driver cannot be unloaded.
    }
}
