package io.gyre.cuda;

import java.nio.ByteBuffer;
import java.util.IdentityHashMap;
import jcuda.Pointer;
import jcuda.driver.JCudaDriver;

/**
 * Which memory of this process is pinned, and by how many. The driver pins memory once for all devices and refuses to
 * do it twice, so this belongs to the process as the driver does.
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
