package io.gyre.transport;

import io.gyre.GyreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Free room of a file system. A full /dev/shm does not refuse memory that was mapped before: it kills the JVM (SIGBUS).
 * So Gyre checks first.
 */
@FunctionalInterface
interface StorageSpace {

    /** Asks the system. */
    StorageSpace OF_SYSTEM = directory -> Files.getFileStore(directory).getUsableSpace();

    /** Fraction added to what is needed, for what others may take between the check and the use. */
    double HEADROOM = 0.2;

    /** Free bytes in {@code directory}. */
    long usableBytes(Path directory) throws IOException;

    /**
     * Fails unless there is room, with some in reserve.
     *
     * @param purpose named in the error
     * @return the bytes that would remain
     */
    default long require(Path directory, long bytes, String purpose) {
        long needed = bytes + (long) (bytes * HEADROOM);
        long available;
        try {
            available = usableBytes(directory);
        } catch (IOException e) {
            throw new GyreException("cannot tell how much room there is in " + directory + ": " + e.getMessage(), e);
        }
        if (available < needed) {
            throw new GyreException(purpose + " needs " + needed + " bytes in " + directory + ", " + available
                    + " are available. Make room there (docker: --shm-size; else: mount -o remount,size=...), or run fewer"
                    + " ranks on this host");
        }
        return available - needed;
    }
}
