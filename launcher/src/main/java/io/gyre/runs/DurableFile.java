package io.gyre.runs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Small files that appear complete or not at all, even if the process or the machine dies meanwhile. */
public final class DurableFile {

    private DurableFile() {}

    /**
     * Writes a file beside the target, syncs it to disk, and renames it to the target, which it replaces.
     *
     * @throws IOException if that fails; the target is as it was
     */
    public static void write(Path target, String content) throws IOException {
        Path unfinished = target.resolveSibling("." + target.getFileName() + ".unfinished");
        try {
            try (FileChannel channel = FileChannel.open(
                    unfinished,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE)) {
                ByteBuffer bytes = StandardCharsets.UTF_8.encode(content);
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(unfinished);
        }
        syncDirectory(target.toAbsolutePath().resolveSibling("."));
    }

    /** Makes names in a directory durable. */
    public static void syncDirectory(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory)) {
            channel.force(true);
        }
    }

    /** The reason of a failure: file system exceptions have the file's name as their message. */
    public static String reason(IOException e) {
        if (e instanceof FileSystemException named) {
            String reason = named.getReason();
            return named.getFile() + ": " + (reason == null ? named.getClass().getSimpleName() : reason);
        }
        return String.valueOf(e.getMessage());
    }
}
