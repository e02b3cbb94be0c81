package io.gyre.transport;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * Aeron's requirements on the JVM, checked before any of its classes is initialised: a later error would be about
 * Aeron's internals.
 */
final class JvmRequirements {

    /** Sockets, locks and mappings of a single rank. */
    private static final int OWN_FILES = 32;

    /** Per additional rank: a stream, its log, and the end of a connection. */
    private static final int FILES_PER_RANK = 4;

    private static final String PACKAGE = "jdk.internal.misc";
    private static final String BOUNDS_CHECKS = "agrona.disable.bounds.checks";

    private JvmRequirements() {}

    /** Fails with the flag to add, unless this JVM opens the package that Agrona reads. */
    static void checkOpened() {
        // A class literal loads the class without initialising it.
        Module agrona = UnsafeBuffer.class.getModule();
        if (!Object.class.getModule().isExported(PACKAGE, agrona)) {
            throw new IllegalStateException("Aeron cannot start: this JVM does not open " + PACKAGE
                    + ". Start it with\n"
                    + "--add-opens java.base/" + PACKAGE + "=" + (agrona.isNamed() ? agrona.getName() : "ALL-UNNAMED")
                    + "\n(command line; argLine of Maven's Surefire; or in the environment, JDK_JAVA_OPTIONS)");
        }
    }

    /** Fails if the rank would exceed the limit of open files. */
    static void checkOpenFiles(int rank, int worldSize) {
        String who = rank < 0 ? "this rank" : "rank " + rank;
        OpenFiles.require(who, OWN_FILES + FILES_PER_RANK * worldSize);
    }

    /** Fails if bounds checks are disabled: a damaged datagram could then write anywhere in this process. */
    static void checkBoundsChecks() {
        if (Boolean.getBoolean(BOUNDS_CHECKS)) {
            throw new IllegalStateException("-D" + BOUNDS_CHECKS + "=true lets a forged datagram write anywhere in this"
                    + " process: remove it, or use transport ipc");
        }
    }
}
