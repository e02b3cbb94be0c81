package io.gyre.samples.data;

import java.nio.file.Path;

/** Whether this JVM's heap has room for what a file holds or claims to hold; asked before anything is allocated. */
final class HeapRoom {

    private static final long MIB = 1 << 20;

    private HeapRoom() {}

    /**
     * Fails if something takes more than half of the heap: what is read is copied once, and the program has data of its
     * own.
     *
     * @param what takes the bytes, for the error
     */
    static void check(Path file, String what, long bytes) {
        long heap = Runtime.getRuntime().maxMemory();
        if (bytes > heap / 2) {
            throw new BadDataException("cannot read " + file + ": " + what + " take " + bytes / MIB
                    + " MiB, more than half of this JVM's heap of " + heap / MIB
                    + " MiB. Make it smaller, take it out of its folder, or give each rank more memory (-Xmx)");
        }
    }
}
