package io.gyre.transport;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A directory in shared memory that outlives the processes of a run with seats: its launcher's. Those on the same host
 * find it by {@link GyreVariable#STATE_DIR}. Closed to other users, and removed at the end, also if the launcher is
 * killed: then by the next run.
 */
public final class StateDirectory implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(StateDirectory.class);
    private static final Path MEMORY = Path.of("/dev/shm");

    private final RunDirectory directory;

    private StateDirectory(RunDirectory directory) {
        this.directory = directory;
    }

    /**
     * Creates one.
     *
     * @return empty if this host has no file system in memory
     * @throws UncheckedIOException if it cannot be created
     */
    public static Optional<StateDirectory> open() {
        return RunDirectory.sharedMemory().equals(MEMORY)
                ? Optional.of(new StateDirectory(RunDirectory.create(MEMORY, "state")))
                : Optional.empty();
    }

    /** Where it is. */
    public Path path() {
        return directory.path();
    }

    /** Creates a directory in it, for one of several groups. */
    public Path part(String name) {
        Path part = path().resolve(name);
        try {
            directory.createPrivate(part);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot create " + part + ": " + e.getMessage(), e);
        }
        return part;
    }

    /** Whether a process may use a directory: one of another host is not here, and one that others can enter is not ours. */
    static boolean isUsable(Path path) {
        if (!Files.isDirectory(path)) {
            return false;
        }
        try {
            RunDirectory.checkPrivate(path);
            return true;
        } catch (IOException e) {
            LOG.warn("No copy of the run's state is kept in {}: {}", path, e.getMessage());
            return false;
        }
    }

    /** Removes it. A second call does nothing. */
    @Override
    public void close() {
        directory.close();
    }
}
