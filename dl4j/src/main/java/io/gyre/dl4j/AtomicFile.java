package io.gyre.dl4j;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Writes files atomically: a file appears complete or not at all, even if the process or the machine dies meanwhile.
 */
final class AtomicFile {

    private AtomicFile() {}

    /** Writes the contents. */
    @FunctionalInterface
    interface Body {
        void writeTo(FileChannel channel) throws IOException;
    }

    /**
     * Writes to {@code unfinished}, syncs it to disk, and renames it to {@code target}, which it replaces.
     *
     * @param unfinished in the same directory; overwritten, and deleted if the write fails
     */
    static void write(Path target, Path unfinished, Body body) throws IOException {
        try {
            writeAndForce(unfinished, body);
            Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException | RuntimeException failure) {
            deleteAfter(failure, unfinished);
            throw failure;
        }
        syncDirectory(target.toAbsolutePath().resolveSibling("."));
    }

    private static void writeAndForce(Path unfinished, Body body) throws IOException {
        try (FileChannel channel = FileChannel.open(
                unfinished,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE)) {
            body.writeTo(channel);
            channel.force(true);
        }
    }

    private static void deleteAfter(Exception failure, Path unfinished) {
        try {
            Files.deleteIfExists(unfinished);
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    /** Makes the new name durable. Windows has no such call and orders directory updates itself. */
    private static void syncDirectory(Path directory) throws IOException {
        if (directory.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            try (FileChannel channel = FileChannel.open(directory)) {
                channel.force(true);
            }
        }
    }

    /**
     * File system exceptions have the file's name as their message; the reason is in another field or in their type.
     */
    static String reason(IOException e) {
        if (e instanceof FileSystemException named) {
            String reason = named.getReason();
            return named.getFile() + ": " + (reason == null ? named.getClass().getSimpleName() : reason);
        }
        return String.valueOf(e.getMessage());
    }
}
