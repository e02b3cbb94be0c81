package io.gyre.samples.train;

import io.gyre.device.Device;
import io.gyre.device.DeviceProvider;
import io.gyre.device.Devices;
import java.util.Map;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How much of a GPU's memory a rank may use, when several share it. */
final class GpuShare {

    private static final Logger LOG = LoggerFactory.getLogger(GpuShare.class);

    /** The rest is for CUDA's own contexts, one for each rank. */
    private static final double PART = 0.9;

    private GpuShare() {}

    /** Tells ND4J. The launcher has told this rank how many there are, and shows it one device alone. */
    static void limit(Map<String, String> environment) {
        int sharing = Integer.parseInt(environment.getOrDefault("GYRE_RANKS_ON_DEVICE", "1"));
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
