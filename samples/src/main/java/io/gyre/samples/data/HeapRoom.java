package io.gyre.samples.data;

/** Whether this JVM's heap has room for what a file holds or claims to hold; asked before it is allocated. */
final class HeapRoom {

    private static final long MIB = 1 << 20;

    private HeapRoom() {}

    /** Most bytes for one file: what is read is copied once, and the program has data of its own. */
    static long bytes() {
        return Runtime.getRuntime().maxMemory() / 2;
    }

    /**
     * Fails if something takes more.
     *
     * @param file name, for the error
     * @param what takes the bytes, for the error
     */
    static void check(String file, String what, long bytes) {
        if (bytes > bytes()) {
            throw new BadDataException("cannot read " + file + ": " + what + " take " + bytes / MIB
                    + " MiB, more than half of this JVM's heap of "
                    + Runtime.getRuntime().maxMemory() / MIB
                    + " MiB. Make it smaller, take it out of its folder, or give each rank more memory (-Xmx)");
        }
    }
}
