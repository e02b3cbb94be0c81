package io.gyre.transport;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One user's private directory in shared memory, in which one process at a time creates and removes files. It exists as
 * long as there is something in it, such as the {@link UserKey}.
 */
final class UserLock {

    private static final Logger LOG = LoggerFactory.getLogger(UserLock.class);
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final long RETRY_NANOS = 2_000_000;
    private static final int TOKEN_BYTES = 16;
    private static final String FILE = ".lock";
    private static final String REMEDY =
            "remove it, or let its owner or root do so, while none of this user's programs runs";

    /**
     * The system's file locks belong to processes: when one thread closes the file, another thread's lock is released.
     * So the threads of this process take turns before they lock the file.
     */
    private static final ReentrantLock THREADS = new ReentrantLock();

    /** Permissions for the owner only. */
    static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");

    private final Path home;
    private final Path file;
    private final boolean posix;

    /**
     * Names the directory; nothing is created yet.
     *
     * @param parent directory for shared files
     */
    UserLock(Path parent) throws IOException {
        home = parent.resolve("gyre-" + System.getProperty("user.name").replaceAll("[^A-Za-z0-9._-]", "_"));
        file = home.resolve(FILE);
        posix = Files.getFileStore(parent).supportsFileAttributeView("posix");
    }

    Path home() {
        return home;
    }

    /**
     * An action to run while no other process of the user runs one.
     *
     * @param <T> type of the result
     */
    @FunctionalInterface
    interface Action<T> {
        T run() throws IOException;
    }

    /**
     * Runs an action while no other process of this user runs one; creates the directory first, and removes it
     * afterwards if it is empty.
     */
    <T> T exclusively(Action<T> action) throws IOException {
        THREADS.lock();
        try {
            return exclusivelyAmongProcesses(action);
        } finally {
            THREADS.unlock();
        }
    }

    private <T> T exclusivelyAmongProcesses(Action<T> action) throws IOException {
        long deadline = System.nanoTime() + TIMEOUT.toNanos();
        do {
            try {
                openHome();
                checkPlace();
                try (FileChannel channel =
                        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                    if (acquire(channel, deadline)) {
                        // Stays open during the action: closing it would release the lock, see THREADS.
                        try (FileChannel found = FileChannel.open(file, StandardOpenOption.READ)) {
                            if (isSame(channel, found)) {
                                checkOwner();
                                return runAndTidy(action);
                            }
                        }
                    }
                }
            } catch (NoSuchFileException e) {
                // Its last user has just removed it. An action that fails this way is retried until the deadline.
                LOG.debug("{} was removed", e.getFile());
            } catch (AccessDeniedException e) {
                throw new IOException(denied(), e);
            }
        } while (System.nanoTime() - deadline < 0);
        throw new IOException("another process has held " + file + " for " + TIMEOUT.toSeconds()
                + " s: is one of this user's programs stopped?");
    }

    private static boolean acquire(FileChannel channel, long deadline) throws IOException {
        while (System.nanoTime() - deadline < 0) {
            // Behind the token, which some systems do not let others read where it is locked.
            if (channel.tryLock(TOKEN_BYTES, 1, false) != null) {
                return true;
            }
            LockSupport.parkNanos(RETRY_NANOS);
        }
        return false;
    }

    /**
     * Whether the locked file is still the one that others find: its last holder may have removed it with the
     * directory.
     */
    private static boolean isSame(FileChannel locked, FileChannel found) throws IOException {
        byte[] token = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(token);
        locked.write(ByteBuffer.wrap(token), 0);
        ByteBuffer read = ByteBuffer.allocate(TOKEN_BYTES);
        found.read(read, 0);
        return Arrays.equals(token, read.array());
    }

    private void openHome() throws IOException {
        if (!Files.isDirectory(home, LinkOption.NOFOLLOW_LINKS)) {
            try {
                createPrivate(home);
            } catch (FileAlreadyExistsException e) {
                LOG.debug("somebody else created {} just now, or it is no directory", home, e);
            }
        }
    }

    /** Nothing is created through a link, or in place of a file: the link may lead to where another user wants it. */
    private void checkPlace() throws IOException {
        if (Files.isSymbolicLink(home)) {
            throw new IOException(home + " is a link to " + Files.readSymbolicLink(home) + ", made by "
                    + Files.getOwner(home, LinkOption.NOFOLLOW_LINKS) + "; it must be a directory of this user's: "
                    + REMEDY);
        }
        if (Files.exists(home) && !Files.isDirectory(home)) {
            throw new IOException(home + " is a file of " + Files.getOwner(home)
                    + "; it must be a directory of this user's: " + REMEDY);
        }
    }

    /** Why this process may not create files in the directory. */
    private String denied() throws IOException {
        if (!posix || !Files.exists(home, LinkOption.NOFOLLOW_LINKS)) {
            return "this user may not create " + home + ": let it write to " + home.getParent();
        }
        return home + " belongs to " + Files.getOwner(home, LinkOption.NOFOLLOW_LINKS) + " ("
                + PosixFilePermissions.toString(Files.getPosixFilePermissions(home, LinkOption.NOFOLLOW_LINKS))
                + "), and user " + System.getProperty("user.name") + " may not create files in it: " + REMEDY;
    }

    private <T> T runAndTidy(Action<T> action) throws IOException {
        try {
            return action.run();
        } finally {
            removeIfEmpty();
        }
    }

    /** The directory's owner could read and replace its contents. */
    private void checkOwner() throws IOException {
        if (!posix) {
            return;
        }
        Path probe = Files.createTempFile(home, ".owner", "");
        try {
            if (!Files.getOwner(home, LinkOption.NOFOLLOW_LINKS).equals(Files.getOwner(probe))) {
                throw new IOException(home + " belongs to " + Files.getOwner(home)
                        + ", who could read and change what is in it: " + REMEDY);
            }
        } finally {
            Files.deleteIfExists(probe);
        }
        if (!Files.getPosixFilePermissions(home, LinkOption.NOFOLLOW_LINKS).equals(OWNER_ONLY)) {
            Files.setPosixFilePermissions(home, OWNER_ONLY);
        }
    }

    /** Fails unless a directory is this user's, and only this user can enter it. */
    static void checkPrivate(Path directory) throws IOException {
        if (!directory.getFileSystem().supportedFileAttributeViews().contains("unix")) {
            return;
        }
        PosixFileAttributes found =
                Files.readAttributes(directory, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        int owner = (Integer) Files.getAttribute(directory, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        if (!found.isDirectory()
                || owner != ThisUser.id()
                || !found.permissions().equals(OWNER_ONLY)) {
            throw new IOException(directory + " (" + PosixFilePermissions.toString(found.permissions()) + ", of "
                    + found.owner() + ") is not a directory that only this user can enter: others could read and"
                    + " change what is in it");
        }
    }

    /** Creates a directory that only its owner can enter. */
    void createPrivate(Path directory) throws IOException {
        if (posix) {
            Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
        } else {
            Files.createDirectory(directory);
        }
    }

    private void removeIfEmpty() throws IOException {
        try (Stream<Path> entries = Files.list(home)) {
            if (entries.anyMatch(entry -> !entry.equals(file))) {
                return;
            }
        }
        Files.deleteIfExists(file);
        try {
            Files.deleteIfExists(home);
        } catch (DirectoryNotEmptyException e) {
            LOG.debug("the next has come and made a lock of its own in {}", home, e);
        }
    }
}
