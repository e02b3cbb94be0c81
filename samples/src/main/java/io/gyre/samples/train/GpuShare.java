package io.gyre.samples.train;

import io.gyre.device.Device;
import io.gyre.device.DeviceProvider;
import io.gyre.device.Devices;
import io.gyre.transport.GyreVariable;
import java.util.Map;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Limits a rank's GPU memory if several ranks share a GPU. */
final class GpuShare {

    private static final Logger LOG = LoggerFactory.getLogger(GpuShare.class);

    /** The rest is for CUDA's own contexts, one for each rank. */
    private static final double PART = 0.9;

    private GpuShare() {}

    /** Sets ND4J's limit. The launcher sets the number of ranks per device, and makes a single device visible. */
    static void limit(Map<String, String> environment) {
        int sharing = GyreVariable.RANKS_ON_DEVICE.number(environment).orElse(1);
        if (sharing == 1) {
            return;
        }
        for (DeviceProvider provider : DeviceProvider.all()) {
            try (Devices devices = provider.open();
                    Device device = devices.open(0)) {
                long share = (long) (device.info().totalBytes() * PART / sharing);
                Nd4j.getEnvironment().setDeviceLimit(0, share);
                LOG.info("{} is shared by {} ranks; this one may use {} MiB", device.info(), sharing, share >> 20);
            }
        }
    }
}
