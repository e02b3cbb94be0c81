package io.gyre.transport;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Values that the Linux kernel shows as files. */
final class ProcFile {

    private static final int LONGEST = 4_096;

    private ProcFile() {}

    /** Reads one value in a single call: some of these files end after the first read, however short. */
    static String read(Path path) throws IOException {
        try (InputStream in = Files.newInputStream(path)) {
            return new String(in.readNBytes(LONGEST), StandardCharsets.UTF_8).strip();
        }
    }
}
