package io.gyre.device;

import java.util.List;
import java.util.ServiceLoader;

/**
 * Finds accelerators; modules register providers with {@link ServiceLoader}. Safe to call on a machine without any:
 * nothing is loaded that could crash the JVM.
 */
public interface DeviceProvider {

    /** One word, such as {@code cuda}. */
    String name();

    /**
     * Opens the driver. Each call returns a new object.
     *
     * @throws DeviceException with {@link DeviceException.Reason#ABSENT} if there is no driver or no device, saying
     *     what is missing and what to do
     */
    Devices open();

    /** All providers on the class path of this class. */
    static List<DeviceProvider> all() {
        return ServiceLoader.load(DeviceProvider.class, DeviceProvider.class.getClassLoader()).stream()
                .map(ServiceLoader.Provider::get)
                .toList();
    }
}
