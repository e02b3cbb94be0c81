package io.gyre.cuda;

import io.gyre.device.Device;
import io.gyre.device.Devices;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/** Waits for a file, then opens a device of the fake driver. */
final class StartProgram {

    private StartProgram() {}

    public static void main(String[] arguments) {
        System.load(arguments[0]);
        System.out.println("waiting");
        while (!Files.exists(Path.of(arguments[1]))) {
            LockSupport.parkNanos(1_000_000);
        }
        try (Devices devices = CudaDevices.open();
                Device device = devices.open(0)) {
            device.allocate("memory", 64).close();
            System.out.println(devices.list().size() + " devices");
        }
    }
}
