package io.gyre.cuda;

import io.gyre.ElementType;
import io.gyre.device.DeviceException;
import io.gyre.device.DeviceException.Reason;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasStatus;
import org.jspecify.annotations.Nullable;

/**
 * cuBLAS on one device: its {@code axpy} by 1 is a sum, rounded once. Load this class only after {@link
 * CublasLibrary#load}.
 */
final class Cublas {

    /** The version for which JCublas 12.6.0 is built. */
    private static final int MAJOR = 12;

    /** Lengths are ints. */
    private static final long MOST_ELEMENTS = 1L << 30;

    private final Context context;
    private final cublasHandle handle = new cublasHandle();
    private final Pointer oneFloat = Pointer.to(direct(Float.BYTES).putFloat(0, 1));
    private final Pointer oneDouble = Pointer.to(direct(Double.BYTES).putDouble(0, 1));
    private final int version;
    private @Nullable CudaStream current;
    private boolean closed;

    /**
     * Creates the handle.
     *
     * @throws DeviceException if cuBLAS cannot be used on this device
     */
    Cublas(Context context) {
        this.context = context;
        context.enter();
        try {
            check(JCublas2.cublasCreate(handle), "cublasCreate");
            int[] value = new int[1];
            int result = JCublas2.cublasGetVersion(handle, value);
            version = value[0];
            if (result != cublasStatus.CUBLAS_STATUS_SUCCESS || major() != MAJOR) {
                JCublas2.cublasDestroy(handle);
                check(result, "cublasGetVersion");
                throw new DeviceException(
                        Reason.ABSENT,
                        "the cuBLAS that was found is version " + version() + ", and JCublas "
                                + NativeLibraries.VERSION + " is made for " + MAJOR
                                + ". Put the directory of CUDA 12's libcublas.so.12 first in LD_LIBRARY_PATH");
            }
        } finally {
            context.exit();
        }
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    private int major() {
        return version / 10_000;
    }

    /** In NVIDIA's format, such as {@code 12.6}. */
    String version() {
        return major() + "." + version % 10_000 / 100;
    }

    /** {@code into = into + from}. */
    @SuppressWarnings("ReferenceEquality") // Streams are compared by identity.
    void sum(
            CudaStream stream,
            ElementType type,
            CudaBuffer into,
            long intoOffset,
            CudaBuffer from,
            long fromOffset,
            long count) {
        context.enter();
        try {
            if (stream != current) {
                check(JCublas2.cublasSetStream(handle, stream.runtimeStream()), "cublasSetStream");
                current = stream;
            }
            for (long done = 0; done < count; done += MOST_ELEMENTS) {
                int n = (int) Math.min(MOST_ELEMENTS, count - done);
                CUdeviceptr x = from.at(fromOffset + done * type.bytes());
                CUdeviceptr y = into.at(intoOffset + done * type.bytes());
                if (type == ElementType.FLOAT32) {
                    check(JCublas2.cublasSaxpy(handle, n, oneFloat, x, 1, y, 1), "cublasSaxpy");
                } else {
                    check(JCublas2.cublasDaxpy(handle, n, oneDouble, x, 1, y, 1), "cublasDaxpy");
                }
            }
        } finally {
            context.exit();
        }
    }

    private void check(int status, String call) {
        if (status != cublasStatus.CUBLAS_STATUS_SUCCESS) {
            Reason reason = status == cublasStatus.CUBLAS_STATUS_ALLOC_FAILED ? Reason.OUT_OF_MEMORY : Reason.OTHER;
            throw new DeviceException(
                    reason, call + " on " + context.info() + " has failed: " + cublasStatus.stringFor(status));
        }
    }

    /** Releases its resources on the device. A second call does nothing. */
    void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (!context.hasFailed()) {
            context.enter();
            try {
                check(JCublas2.cublasDestroy(handle), "cublasDestroy");
            } finally {
                context.exit();
            }
        }
    }
}
