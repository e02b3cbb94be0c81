package io.gyre.cuda;

import io.gyre.device.DeviceException;
import io.gyre.device.DeviceException.Reason;
import java.nio.file.Path;
import jcuda.CudaException;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/** The CUDA driver: loads it once, and translates its errors. */
final class Driver {

    private static final String REMEDY = ", or train on the CPU (--backend cpu)";

    private static @Nullable String unusable;
    private static boolean ready;

    private Driver() {}

    /**
     * Loads and initialises the driver, the first time.
     *
     * @throws DeviceException with the reason why there is none, the same each time
     */
    static synchronized void load() {
        if (unusable != null) {
            throw new DeviceException(Reason.ABSENT, unusable);
        }
        if (!ready) {
            try {
                initialise();
                ready = true;
            } catch (DeviceException e) {
                unusable = e.getMessage();
                throw e;
            }
        }
    }

    private static void initialise() {
        if (!System.getProperty("os.name").equals("Linux")
                || !System.getProperty("os.arch").equals("amd64")) {
            throw absent("JCuda's libraries are for Linux on x86-64, and this is " + System.getProperty("os.name")
                    + " on " + System.getProperty("os.arch") + ". Use another machine");
        }
        new NativeLibraries(Path.of(System.getProperty("java.io.tmpdir"))).prepare("JCudaRuntime", "JCudaDriver");
        try {
            int result = JCudaDriver.cuInit(0);
            if (result != CUresult.CUDA_SUCCESS) {
                throw absent(result);
            }
            int[] count = new int[1];
            check(JCudaDriver.cuDeviceGetCount(count), "count devices");
            if (count[0] == 0) {
                throw absent(CUresult.CUDA_ERROR_NO_DEVICE);
            }
        } catch (LinkageError e) {
            throw absent(
                    String.valueOf(e.getMessage()).contains("libcuda.so.1")
                            ? "there is no libcuda.so.1. Install NVIDIA's driver"
                            : "JCuda's library cannot be loaded: " + firstLine(e) + ". Look at what it needs with ldd");
        } catch (CudaException e) {
            throw absent("the driver rejected a call: " + e.getMessage() + ". Look at nvidia-smi");
        }
    }

    private static DeviceException absent(int result) {
        String visible = System.getenv("CUDA_VISIBLE_DEVICES");
        return absent("the driver reports " + CUresult.stringFor(result)
                + (visible == null ? "" : ", with CUDA_VISIBLE_DEVICES=" + visible) + ". Look at nvidia-smi");
    }

    private static DeviceException absent(String why) {
        return new DeviceException(Reason.ABSENT, "no CUDA device was found: " + why + REMEDY);
    }

    private static String firstLine(Throwable failure) {
        return String.valueOf(failure.getMessage()).lines().findFirst().orElse("without a message");
    }

    /** Fails unless a call has succeeded; for calls that involve no device. */
    static void check(int result, String what) {
        if (result != CUresult.CUDA_SUCCESS) {
            throw new DeviceException(
                    reason(result), "the CUDA driver cannot " + what + ": " + CUresult.stringFor(result));
        }
    }

    static Reason reason(int result) {
        return switch (result) {
            case CUresult.CUDA_ERROR_OUT_OF_MEMORY -> Reason.OUT_OF_MEMORY;
            case CUresult.CUDA_ERROR_NO_DEVICE -> Reason.ABSENT;
            // The driver has no specific code for a device that disappeared; these codes were observed.
            case CUresult.CUDA_ERROR_DEVICE_UNAVAILABLE,
                    CUresult.CUDA_ERROR_ECC_UNCORRECTABLE,
                    CUresult.CUDA_ERROR_NVLINK_UNCORRECTABLE,
                    CUresult.CUDA_ERROR_UNKNOWN -> Reason.LOST;
            case CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,
                    CUresult.CUDA_ERROR_LAUNCH_TIMEOUT,
                    CUresult.CUDA_ERROR_HARDWARE_STACK_ERROR,
                    CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION,
                    CUresult.CUDA_ERROR_MISALIGNED_ADDRESS,
                    CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE,
                    CUresult.CUDA_ERROR_INVALID_PC,
                    CUresult.CUDA_ERROR_LAUNCH_FAILED -> Reason.FAILED;
            default -> Reason.OTHER;
        };
    }
}
