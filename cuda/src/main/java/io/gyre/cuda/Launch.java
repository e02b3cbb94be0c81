package io.gyre.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.NativePointerObject;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** A kernel and its argument buffer, allocated once: the driver copies the arguments at launch. */
final class Launch {

    private static final int THREADS = 256;

    /** Enough to fill any GPU; each thread takes many elements of a long vector. */
    private static final int MOST_BLOCKS = 4096;

    private static final int SLOTS = 3;

    private final String name;
    private final CUfunction function = new CUfunction();
    private final ByteBuffer arguments =
            ByteBuffer.allocateDirect(SLOTS * Long.BYTES).order(ByteOrder.nativeOrder());
    private final Pointer pointers;
    private int next;

    Launch(Context context, CUmodule module, String name) {
        this.name = name;
        context.check(JCudaDriver.cuModuleGetFunction(function, module, name), "find kernel " + name);
        NativePointerObject[] slots = new NativePointerObject[SLOTS];
        for (int i = 0; i < SLOTS; i++) {
            slots[i] = Pointer.to(arguments).withByteOffset((long) i * Long.BYTES);
        }
        pointers = Pointer.to(slots);
    }

    /** An address or a count. */
    Launch with(long value) {
        arguments.putLong(next++ * Long.BYTES, value);
        return this;
    }

    /**
     * Enqueues the kernel with the arguments given since the last launch, for a number of work items; does nothing for
     * none.
     */
    @SuppressWarnings("NullAway") // The driver takes arguments in one of two ways; the other pointer is null.
    void run(CudaStream stream, long pieces) {
        next = 0;
        if (pieces == 0) {
            return;
        }
        int blocks = (int) Math.min(MOST_BLOCKS, (pieces + THREADS - 1) / THREADS);
        Context context = stream.enter();
        try {
            int result = JCudaDriver.cuLaunchKernel(
                    function, blocks, 1, 1, THREADS, 1, 1, 0, stream.stream(), pointers, null);
            if (result != CUresult.CUDA_SUCCESS) {
                throw context.failed(result, "launch kernel " + name);
            }
        } finally {
            context.exit();
        }
    }
}
