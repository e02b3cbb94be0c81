package io.gyre.spark;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.SparkEnv;

/**
 * A rank's directory among its executor's own files, which are where {@code spark.local.dir} or the cluster says.
 * Closing removes it; Spark removes it with the rest if the executor was killed.
 */
final class ScratchDirectory implements AutoCloseable {

    private final Path path;

    /** Creates the directory; the ranks of an executor with several disks take turns. */
    ScratchDirectory(int rank) throws IOException {
        File[] disks = SparkEnv.get().blockManager().diskBlockManager().localDirs();
        path = Files.createTempDirectory(disks[rank % disks.length].toPath(), "gyre-spark-");
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
