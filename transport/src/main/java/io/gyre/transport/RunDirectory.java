package io.gyre.transport;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The directory in which one rank keeps what it shares with its peers: under {@code gyre-USER} in shared memory,
 * inaccessible to other users, and removed at the end. Creating or closing one removes what killed processes have left
 * behind.
 *
 * <p>A live process holds a lock on a file in its directory, which the kernel releases when the process ends, however
 * it ends. This also works across containers, where process ids mean nothing. The id and start time in the name are for
 * people, and for recognising the directories of this process.
 */
final class RunDirectory implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(RunDirectory.class);
    private static final String ALIVE = "alive";

    /** Far longer than any join takes. */
    private static final Duration RENDEZVOUS_LIFE = Duration.ofDays(1);

    private final UserLock user;
    private final Path path;
    private final FileChannel alive;
    private final AtomicBoolean closed = new AtomicBoolean();

    private RunDirectory(UserLock user, Path path, FileChannel alive) {
        this.user = user;
        this.path = path;
        this.alive = alive;
    }

    /** The directory for files shared between processes of this host, in memory if possible. */
    static Path sharedMemory() {
        Path linux = Path.of("/dev/shm");
        return Files.isDirectory(linux) ? linux : Path.of(System.getProperty("java.io.tmpdir"));
    }

    /**
     * Creates a directory, after removing leftovers.
     *
     * @param parent directory for shared files
     * @param label describes the run in the name, for people
     */
    static RunDirectory create(Path parent, String label) {
        try {
            UserLock user = new UserLock(parent);
            return user.exclusively(() -> {
                removeLeftovers(user.home());
                Path path = user.home().resolve(ownPrefix() + label + "-" + Long.toHexString(System.nanoTime()));
                user.createPrivate(path);
                FileChannel alive =
                        FileChannel.open(path.resolve(ALIVE), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                alive.lock();
                return new RunDirectory(user, path, alive);
            });
        } catch (IOException e) {
            throw new UncheckedIOException("cannot create a directory in " + parent + ": " + e.getMessage(), e);
        }
    }

    /** Removes what killed processes of this user have left behind; returns the number of directories. */
    static int removeLeftovers(UserLock user) throws IOException {
        return user.exclusively(() -> removeLeftovers(user.home()));
    }

    Path path() {
        return path;
    }

    /** Creates a directory in it. */
    void createPrivate(Path part) throws IOException {
        user.createPrivate(part);
    }

    /**
     * Runs an action that fills shared memory, if there is room that nobody else is about to fill.
     *
     * @param purpose of the room, named in the error
     */
    <T> T filling(StorageSpace space, long bytes, String purpose, UserLock.Action<T> action) {
        try (Reservation reserved = Reservation.of(user, path, space, bytes, purpose)) {
            LOG.trace("{} has {}", purpose, reserved);
            return action.run();
        } catch (IOException e) {
            throw new UncheckedIOException("in " + path + ": " + e.getMessage(), e);
        }
    }

    /**
     * Fails unless a run directory of a peer on this host, and the directory in which it lies, are this user's and
     * closed to others, who could otherwise put something of theirs in the place of what is in it.
     *
     * @param path of a run directory
     */
    static void checkPrivate(Path path) throws IOException {
        UserLock.checkPrivate(path);
        UserLock.checkPrivate(Objects.requireNonNull(path.toAbsolutePath().getParent(), path.toString()));
    }

    private static String ownPrefix() {
        ProcessHandle own = ProcessHandle.current();
        long started = own.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
        return own.pid() + "-" + started + "-";
    }

    /** The same, for a caller that holds the lock. */
    static int removeLeftovers(Path home) throws IOException {
        int removed = 0;
        String own = ownPrefix();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(home)) {
            for (Path entry : entries) {
                // Closing a second channel to a lock file would release this process's own lock.
                boolean ours = entry.getFileName().toString().startsWith(own);
                if (isOldRendezvous(entry)) {
                    Files.deleteIfExists(entry);
                }
                if (!ours && Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS) && isDead(entry)) {
                    LOG.info("removing {}, left behind by a killed process", entry);
                    removeTree(entry);
                    removed++;
                }
            }
        }
        return removed;
    }

    /** A file that only ranks about to join read; a killed rank 0 has left it. */
    private static boolean isOldRendezvous(Path file) throws IOException {
        return file.getFileName().toString().startsWith(RendezvousFile.IN_SHARED_MEMORY)
                && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                && Files.getLastModifiedTime(file)
                        .toInstant()
                        .isBefore(Instant.now().minus(RENDEZVOUS_LIFE));
    }

    private static boolean isDead(Path directory) throws IOException {
        Path file = directory.resolve(ALIVE);
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            // Directories are created under the lock that is held now: this one was never finished, or is half removed.
            return true;
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            LOG.debug("{} belongs to this process", directory, e);
            return false;
        } catch (NoSuchFileException e) {
            LOG.debug("{} is being removed", directory, e);
            return true;
        }
    }

    private static void removeTree(Path directory) throws IOException {
        Files.walkFileTree(directory, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
                if (failure instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw failure;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure) throws IOException {
                Files.deleteIfExists(visited);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** Removes the directory, and what others have left behind meanwhile. A second call does nothing. */
    @Override
    public void close() {
        if (closed.getAndSet(true)) {
            return;
        }
        // The lock's channel would take an interrupt as a request to close.
        boolean interrupted = Thread.interrupted();
        try {
            user.exclusively(() -> {
                alive.close();
                removeTree(path);
                return removeLeftovers(user.home());
            });
        } catch (IOException e) {
            LOG.warn("cannot remove {}", path, e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
