package io.gyre.launcher;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * The file of {@code --report}; it is written atomically.
 *
 * @param path as the user gave it
 */
public record ReportFile(Path path) {

    /**
     * Checks, before there is anything to write, that the file can be written.
     *
     * @throws IllegalArgumentException naming it
     */
    public void check() {
        if (Files.isDirectory(path)) {
            throw new IllegalArgumentException("--report " + path + " is a directory, expected a file");
        }
        if (!Files.isDirectory(directory())) {
            throw new IllegalArgumentException("--report " + path + ": there is no directory " + directory());
        }
        if (!Files.isWritable(Files.exists(path) ? path : directory())) {
            throw new IllegalArgumentException("--report " + path + ": no permission to write it");
        }
    }

    /** Writes a new file and renames it over the old one, unless that is a device or a pipe. */
    public void write(String content) throws IOException {
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            Files.writeString(path, content);
            return;
        }
        Path unfinished = Files.createTempFile(directory(), "." + path.getFileName(), ".unfinished");
        try {
            Files.writeString(unfinished, content);
            Files.move(unfinished, path, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }

    /** A report as the text of such a file: indented JSON, by the names of its components. */
    public static String json(Object report) {
        try {
            return new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(report) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a report that is not JSON", e);
        }
    }

    private Path directory() {
        Path parent = path.toAbsolutePath().getParent();
        return parent == null ? path : parent;
    }
}
