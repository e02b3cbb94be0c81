package io.gyre.spark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A rank's directory in the executor's temporary directory, removed with all that is in it. */
final class ScratchDirectory implements AutoCloseable {

    private final Path path;

    ScratchDirectory() throws IOException {
        path = Files.createTempDirectory("gyre-spark-");
    }

    Path path() {
        return path;
    }

    /** Removes the directory. A second call does nothing. */
    @Override
    public void close() throws IOException {
        if (Files.notExists(path)) {
            return;
        }
        List<Path> paths;
        try (Stream<Path> all = Files.walk(path)) {
            paths = all.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path each : paths) {
            Files.deleteIfExists(each);
        }
    }
}
