package io.gyre.cuda;

import io.gyre.device.DeviceEvent;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** An event of the driver, without timing. */
final class CudaEvent implements DeviceEvent {

    private final CudaDevice device;
    private final String name;
    private final CUevent event = new CUevent();
    private final BooleanSupplier isDone = this::isDone;
    private boolean closed;

    CudaEvent(CudaDevice device, String name) {
        this.device = device;
        this.name = name;
        device.context()
                .call(
                        "create event " + name,
                        () -> JCudaDriver.cuEventCreate(event, CUevent_flags.CU_EVENT_DISABLE_TIMING));
    }

    /** The driver's handle, if the event is open. */
    CUevent handle() {
        if (closed) {
            throw new IllegalStateException(this + " is closed");
        }
        return event;
    }

    CudaDevice device() {
        return device;
    }

    @Override
    public boolean isDone() {
        Context context = device.context();
        context.enter();
        try {
            int result = JCudaDriver.cuEventQuery(handle());
            if (result == CUresult.CUDA_ERROR_NOT_READY) {
                return false;
            }
            context.check(result, "reach event '" + name + "'");
            return true;
        } finally {
            context.exit();
        }
    }

    @Override
    public void await(Duration timeout, String what) {
        Waiting.until(isDone, timeout, what, device.info());
    }

    @Override
    public void close() {
        Context context = device.context();
        context.checkOwner();
        if (closed) {
            return;
        }
        closed = true;
        device.forget(this);
        if (!context.hasFailed()) {
            context.call("end event '" + name + "'", () -> JCudaDriver.cuEventDestroy(event));
        }
    }

    @Override
    public String toString() {
        return "event '" + name + "'";
    }
}
