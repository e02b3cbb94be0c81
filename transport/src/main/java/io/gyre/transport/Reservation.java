package io.gyre.transport;

import io.gyre.GyreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Room in shared memory that a rank is about to fill: a sparse file of that length, which takes no memory itself, in
 * the rank's directory. Every rank subtracts the reservations of the others from the free room, so that all may fill
 * theirs at the same time.
 */
final class Reservation implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Reservation.class);

    /**
     * Room that is reserved and half filled counts twice. So there may seem to be too little until the others are done.
     */
    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private static final long RETRY_NANOS = 2_000_000;
    private static final String PREFIX = "reserved-";

    private final Path file;

    private Reservation(Path file) {
        this.file = file;
    }

    /**
     * Reserves room; waits for it while it is reserved by others.
     *
     * @param directory of the rank
     * @param purpose named in the error
     * @throws GyreException with the numbers, if there is not enough room
     */
    static Reservation of(UserLock user, Path directory, StorageSpace space, long bytes, String purpose)
            throws IOException {
        long deadline = System.nanoTime() + TIMEOUT.toNanos();
        while (true) {
            boolean last = System.nanoTime() - deadline >= 0;
            long[] reserved = {0};
            Optional<Reservation> own = user.exclusively(() -> {
                long left = space.require(directory, bytes, purpose);
                reserved[0] = reserved(user.home());
                if (left >= reserved[0]) {
                    return Optional.of(new Reservation(create(directory, bytes)));
                }
                RunDirectory.removeLeftovers(user.home());
                return Optional.empty();
            });
            if (own.isPresent()) {
                return own.get();
            }
            if (last) {
                throw new GyreException(
                        purpose + " needs " + bytes + " bytes in " + directory + ". Others have reserved " + reserved[0]
                                + " there for " + TIMEOUT.toSeconds() + " s and not filled them: is one stopped?");
            }
            LockSupport.parkNanos(RETRY_NANOS);
        }
    }

    private static Path create(Path directory, long bytes) throws IOException {
        Path file = Files.createTempFile(directory, PREFIX, "");
        if (bytes > 0) {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
                channel.write(ByteBuffer.allocate(1), bytes - 1);
            }
        }
        return file;
    }

    private static long reserved(Path home) throws IOException {
        long bytes = 0;
        try (DirectoryStream<Path> directories = Files.newDirectoryStream(home, Files::isDirectory)) {
            for (Path directory : directories) {
                try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, PREFIX + "*")) {
                    for (Path file : files) {
                        bytes += length(file);
                    }
                }
            }
        }
        return bytes;
    }

    private static long length(Path file) throws IOException {
        try {
            return Files.size(file);
        } catch (NoSuchFileException e) {
            LOG.trace("{} has been filled just now", file, e);
            return 0;
        }
    }

    /** Releases the reservation. A second call does nothing. */
    @Override
    public void close() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot remove " + file, e);
        }
    }
}
