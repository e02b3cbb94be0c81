package io.gyre.transport;

import io.gyre.GyreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How much room a file system has. A full /dev/shm does not refuse memory that was mapped before: it kills the JVM
 * (SIGBUS). So Gyre asks first.
 */
@FunctionalInterface
interface StorageSpace {

    /** Asks the system. */
    StorageSpace OF_SYSTEM = directory -> Files.getFileStore(directory).getUsableSpace();

    /** What others may take between the question and the use, as a part of what is needed. */
    double HEADROOM = 0.2;

    /** Free bytes where {@code directory} is. */
    long usableBytes(Path directory) throws IOException;

    /**
     * Fails unless there is room, with some to spare.
     *
     * @param purpose what it is for, as the error shall say it
     * @return how much would be left
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
