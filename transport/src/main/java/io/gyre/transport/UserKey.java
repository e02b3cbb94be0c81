package io.gyre.transport;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.SecureRandom;

/**
 * A secret that all processes of one user on one host share: a file in the user's private directory in shared memory.
 * Processes that know it prove that the same user (or root) started them. Made when it is first needed; it stays until
 * the host restarts.
 */
final class UserKey {

    private static final String FILE = "key";

    private UserKey() {}

    /**
     * Reads the key, after making it if there is none.
     *
     * @param sharedMemory directory for shared files
     * @throws UncheckedIOException if it cannot be read, or others could read or replace it
     */
    static RunSecret read(Path sharedMemory) {
        try {
            UserLock user = new UserLock(sharedMemory);
            Path file = user.home().resolve(FILE);
            return user.exclusively(() -> readOrMake(file));
        } catch (IOException | IllegalArgumentException e) {
            throw new UncheckedIOException(
                    "this user's processes cannot prove to each other that they are this user's: " + e.getMessage(),
                    e instanceof IOException io ? io : new IOException(e));
        }
    }

    private static RunSecret readOrMake(Path file) {
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            RunSecret.random(new SecureRandom()).write(file);
        }
        return RunSecret.read(file);
    }
}
