package io.gyre.runs;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A lock file of one process, which the kernel releases when that process ends, however it ends. The file says which
 * process holds it. Any thread may close it.
 */
public final class RunLock implements AutoCloseable {

    /** Who only asks whether a file is locked holds it for a moment. */
    private static final Duration ASKED = Duration.ofSeconds(2);

    private static final long PAUSE_NANOS = 5_000_000;

    /**
     * Files that this process has locked. It must not open them again: POSIX releases a process's locks on a file when
     * it closes any of its descriptors.
     */
    private static final Set<Path> HELD_HERE = ConcurrentHashMap.newKeySet();

    private final Path file;
    private final FileChannel channel;

    private RunLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /**
     * Takes the lock; null if another process, or another part of this one, has it.
     *
     * @throws IOException if the file cannot be written
     */
    public static @Nullable RunLock take(Path file) throws IOException {
        Path own = identity(file);
        if (!HELD_HERE.add(own)) {
            return null;
        }
        RunLock taken = null;
        try {
            taken = lock(own);
        } finally {
            if (taken == null) {
                HELD_HERE.remove(own);
            }
        }
        return taken;
    }

    private static @Nullable RunLock lock(Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        boolean locked = false;
        try {
            long deadline = System.nanoTime() + ASKED.toNanos();
            while (channel.tryLock() == null) {
                if (System.nanoTime() - deadline > 0) {
                    return null;
                }
                LockSupport.parkNanos(PAUSE_NANOS);
            }
            channel.truncate(0);
            channel.write(StandardCharsets.UTF_8.encode(ownName()), 0);
            locked = true;
        } finally {
            if (!locked) {
                channel.close();
            }
        }
        return new RunLock(file, channel);
    }

    private static String ownName() {
        String host;
        try {
            host = InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException nameless) {
            host = "this host";
        }
        return "process " + ProcessHandle.current().pid() + " on " + host;
    }

    private static Path identity(Path file) throws IOException {
        Path directory = file.toAbsolutePath().getParent();
        return directory == null ? file : directory.toRealPath().resolve(file.getFileName());
    }

    /** Whether some process holds the lock. */
    public static boolean isHeld(Path file) throws IOException {
        if (!Files.exists(file)) {
            return false;
        }
        if (HELD_HERE.contains(identity(file))) {
            return true;
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.tryLock(0, Long.MAX_VALUE, true) == null;
        }
    }

    /** Who holds the lock, or held it last, for messages. */
    public static String holder(Path file) throws IOException {
        if (HELD_HERE.contains(identity(file))) {
            return "this process";
        }
        String text = Files.readString(file);
        return text.isBlank() ? "a process" : text.strip();
    }

    /** Releases the lock; the file stays. A second call does nothing. */
    @Override
    public void close() throws IOException {
        if (channel.isOpen()) {
            try {
                channel.close();
            } finally {
                HELD_HERE.remove(file);
            }
        }
    }
}
