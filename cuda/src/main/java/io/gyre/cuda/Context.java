package io.gyre.cuda;

import io.gyre.device.DeviceException;
import io.gyre.device.DeviceException.Reason;
import io.gyre.device.DeviceInfo;
import io.gyre.device.Owner;
import java.util.function.IntSupplier;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * The primary context of a device, shared by all libraries of this process, used by one thread. It is current only
 * during a call, so the thread's other context, for example ND4J's, is preserved.
 */
final class Context {

    private final DeviceInfo info;
    private final Owner owner;
    private final CUdevice device;
    private final CUcontext context = new CUcontext();
    private final CUcontext current = new CUcontext();
    private @Nullable DeviceException failure;
    private boolean pushed;
    private boolean closed;

    Context(DeviceInfo info) {
        this.info = info;
        owner = new Owner(info.toString());
        device = CudaDevices.handle(info.ordinal());
        check(JCudaDriver.cuDevicePrimaryCtxRetain(context, device), "be opened");
    }

    DeviceInfo info() {
        return info;
    }

    /** Whether the device has failed and cannot be used any more. */
    boolean hasFailed() {
        return failure != null;
    }

    void checkOwner() {
        owner.check();
    }

    /** Fails unless called by the owner with a usable device. */
    void checkUsable() {
        owner.check();
        if (closed) {
            throw new IllegalStateException(info + " is closed");
        }
        if (failure != null) {
            throw failure;
        }
    }

    /** Begins a call to the driver; must be paired with {@link #exit} in a finally block. */
    void enter() {
        checkUsable();
        check(JCudaDriver.cuCtxGetCurrent(current), "say which context is current");
        pushed = !current.equals(context);
        if (pushed) {
            check(JCudaDriver.cuCtxPushCurrent(context), "make its context current");
        }
    }

    void exit() {
        if (pushed) {
            pushed = false;
            // The result is ignored: a failure of the call itself is more specific.
            JCudaDriver.cuCtxPopCurrent(current);
        }
    }

    /**
     * Makes one call to the driver: for those that are not made in every step, since it allocates.
     *
     * @param what the device does by it, for errors: "{device} cannot {what}"
     */
    void call(String what, IntSupplier call) {
        enter();
        try {
            check(call.getAsInt(), what);
        } finally {
            exit();
        }
    }

    /** Fails unless a call has succeeded. */
    void check(int result, String what) {
        if (result != CUresult.CUDA_SUCCESS) {
            throw failed(result, what);
        }
    }

    /** An exception for a failed call; a failure from which the driver cannot recover is recorded. */
    DeviceException failed(int result, String what) {
        Reason reason = Driver.reason(result);
        String advice = switch (reason) {
            case OUT_OF_MEMORY -> ". Use smaller batches, fewer ranks on this device, or another device";
            case FAILED -> ". This process can use no GPU any more";
            case LOST -> ". Look at nvidia-smi and the kernel's log";
            default -> "";
        };
        DeviceException exception =
                new DeviceException(reason, info + " cannot " + what + ": " + CUresult.stringFor(result) + advice);
        if (reason == Reason.FAILED || reason == Reason.LOST) {
            failure = exception;
        }
        return exception;
    }

    void close() {
        if (!closed) {
            closed = true;
            JCudaDriver.cuDevicePrimaryCtxRelease(device);
        }
    }
}
