package io.gyre.cuda;

import java.nio.ByteBuffer;
import java.util.IdentityHashMap;
import jcuda.Pointer;
import jcuda.driver.JCudaDriver;

/**
 * Reference counts of the pinned memory of this process. The driver pins memory once for all devices and rejects
 * pinning it twice, so the counts are per process, like the driver.
 */
final class Registrations {

    private static final IdentityHashMap<ByteBuffer, Integer> USERS = new IdentityHashMap<>();

    private Registrations() {}

    static synchronized void add(Context context, ByteBuffer memory) {
        int users = USERS.getOrDefault(memory, 0);
        if (users == 0) {
            context.enter();
            try {
                context.check(
                        JCudaDriver.cuMemHostRegister(
                                Pointer.to(memory), memory.capacity(), JCudaDriver.CU_MEMHOSTREGISTER_PORTABLE),
                        "pin " + memory.capacity() + " bytes of the host");
            } finally {
                context.exit();
            }
        }
        USERS.put(memory, users + 1);
    }

    static synchronized void remove(Context context, ByteBuffer memory) {
        int users = USERS.getOrDefault(memory, 0);
        if (users > 1) {
            USERS.put(memory, users - 1);
            return;
        }
        USERS.remove(memory);
        if (context.hasFailed()) {
            return;
        }
        context.enter();
        try {
            context.check(JCudaDriver.cuMemHostUnregister(Pointer.to(memory)), "release memory of the host");
        } finally {
            context.exit();
        }
    }
}
