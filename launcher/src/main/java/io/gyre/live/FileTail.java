package io.gyre.live;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Reads the lines that are appended to a file, and notices when it is replaced or cut off. Confined to one thread.
 */
final class FileTail {

    private static final int LONGEST_LINE = 2_000;

    private final Path file;
    private final int mostBytes;
    private @Nullable Object key;
    private long offset;
    private boolean begun;
    private boolean replaced;

    /**
     * Reads nothing yet.
     *
     * @param mostBytes that are read at once: of what is longer, the end
     */
    FileTail(Path file, int mostBytes) {
        this.file = file;
        this.mostBytes = mostBytes;
    }

    /**
     * Complete lines since the last call; none if there is no file. Long ones are cut.
     *
     * @throws IOException if it cannot be read
     */
    List<String> lines() throws IOException {
        replaced = false;
        try {
            BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
            if (begun && (!Objects.equals(key, now.fileKey()) || now.size() < offset)) {
                replaced = true;
                offset = 0;
            }
            begun = true;
            key = now.fileKey();
            return now.size() == offset ? List.of() : read(now.size());
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }

    /** Whether the file was another one at the call before the last one, so that what it had is no longer true. */
    boolean isReplaced() {
        return replaced;
    }

    private List<String> read(long size) throws IOException {
        long from = Math.max(offset, size - mostBytes);
        ByteBuffer bytes = ByteBuffer.allocate((int) (size - from));
        try (FileChannel channel = FileChannel.open(file)) {
            long at = from;
            while (bytes.hasRemaining()) {
                int read = channel.read(bytes, at);
                if (read < 0) {
                    break;
                }
                at += read;
            }
        }
        byte[] all = bytes.array();
        int end = bytes.position();
        while (end > 0 && all[end - 1] != '\n') {
            end--;
        }
        List<String> lines = new ArrayList<>(new String(all, 0, end, StandardCharsets.UTF_8)
                .lines()
                .map(line -> line.length() <= LONGEST_LINE ? line : line.substring(0, LONGEST_LINE) + " …")
                .toList());
        if (from > offset && !lines.isEmpty()) {
            // It may begin in the middle of a line.
            lines.remove(0);
        }
        offset = from + end;
        return lines;
    }
}
