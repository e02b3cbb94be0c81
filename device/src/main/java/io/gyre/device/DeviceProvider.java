package io.gyre.device;

import java.util.List;
import java.util.ServiceLoader;

/**
 * Finds accelerators; a module that drives some is found by {@link ServiceLoader}. Asking is safe on a machine without
 * any: nothing is loaded that could end the JVM.
 */
public interface DeviceProvider {

    /** One word: {@code cuda}. */
    String name();

    /**
     * Opens the driver. Each call gives an object of its own.
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
