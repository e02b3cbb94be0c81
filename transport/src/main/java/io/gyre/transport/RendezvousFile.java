package io.gyre.transport;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** A file through which ranks on one file system find the rendezvous: one line, the address and the name of the run. */
final class RendezvousFile {

    /** How the names of such files begin in the user's directory in shared memory. */
    static final String IN_SHARED_MEMORY = "rendezvous-";

    /** The longest host name has 253 characters, a port 5, the name of a run 32. */
    private static final int MOST_BYTES = 512;

    private final Path path;

    RendezvousFile(Path path) {
        this.path = path.toAbsolutePath();
    }

    /**
     * Contents of the file.
     *
     * @param endpoint {@code host:port}
     * @param run name of the run at that address
     */
    record Entry(String endpoint, String run) {}

    /** Reads the file; fails, saying what is wrong, if it is missing or incomplete. */
    Entry read() throws IOException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(path)) {
            bytes = in.readNBytes(MOST_BYTES + 1);
        } catch (NoSuchFileException e) {
            throw new IOException("file " + path + " does not exist yet", e);
        }
        if (bytes.length > MOST_BYTES) {
            throw new IOException("file " + path + " has more than " + MOST_BYTES
                    + " bytes: it holds something else than an address and a run");
        }
        String line = new String(bytes, StandardCharsets.UTF_8).strip();
        String[] parts = line.split(" ", -1);
        if (parts.length != 2) {
            throw new IOException("file " + path + " holds '" + line + "' instead of an address and a run");
        }
        return new Entry(parts[0], parts[1]);
    }

    /** Writes the file, accessible to its owner only. Readers see either nothing, the old line or the new one. */
    void write(Entry entry) throws IOException {
        inItsDirectory(() -> {
            Path temporary =
                    Files.createTempFile(path.getParent(), path.getFileName().toString(), ".new");
            try {
                Files.writeString(temporary, entry.endpoint() + " " + entry.run() + "\n");
                Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(temporary);
            }
            return path;
        });
    }

    /** Removes the file if it still names {@code run}. */
    void remove(String run) throws IOException {
        inItsDirectory(() -> {
            if (Files.exists(path) && read().run().equals(run)) {
                Files.deleteIfExists(path);
            }
            return path;
        });
    }

    /** The user's directory in shared memory exists only while there is something in it. */
    private void inItsDirectory(UserLock.Action<Path> action) throws IOException {
        UserLock user = new UserLock(RunDirectory.sharedMemory());
        if (user.home().equals(path.getParent())) {
            user.exclusively(action);
        } else {
            action.run();
        }
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
