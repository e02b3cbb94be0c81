package io.gyre.cuda;

import io.gyre.device.Device;
import io.gyre.device.Devices;

/** Prints whether cuBLAS is used on a device of the fake driver; twice, to check that the reason stays the same. */
final class TuneProgram {

    private TuneProgram() {}

    public static void main(String[] libraries) {
        for (String library : libraries) {
            System.load(library);
        }
        try (Devices devices = CudaDevices.open();
                Device device = devices.open(0)) {
            String answer = device.tuneKernels();
            if (!answer.equals(device.tuneKernels())) {
                throw new AssertionError("another answer the second time");
            }
            System.out.println(answer);
        }
        FakeDriver.assertNothingIsLeft();
    }
}
