package io.gyre.spark;

import io.gyre.GyreException;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Checkpoints in a directory of any file system that Hadoop knows. Rank 0 writes them to its own disk first, as it does
 * without Spark; they are copied from there under another name and then renamed, so that one is there complete or not
 * at all.
 */
final class HadoopCheckpoints implements Serializable {

    private static final long serialVersionUID = 1;
    private static final Pattern NAME = Pattern.compile("step-\\d{1,10}\\.checkpoint");

    /** A damaged one has another before it. */
    private static final int FETCHED = 2;

    private final String directory;
    private final int keep;
    private final HashMap<String, String> configuration = new HashMap<>();

    /**
     * Names the directory.
     *
     * @param keep how many are kept; older ones are deleted
     */
    HadoopCheckpoints(String directory, int keep, Configuration configuration) {
        this.directory = directory;
        this.keep = keep;
        for (Map.Entry<String, String> entry : configuration) {
            this.configuration.put(entry.getKey(), entry.getValue());
        }
    }

    private FileSystem open() throws IOException {
        Configuration all = new Configuration(false);
        configuration.forEach(all::set);
        return new Path(directory).getFileSystem(all);
    }

    /** Newest first. */
    private List<Path> checkpoints(FileSystem files) throws IOException {
        Path path = new Path(directory);
        List<Path> found = new ArrayList<>();
        if (files.exists(path)) {
            for (FileStatus file : files.listStatus(path)) {
                if (NAME.matcher(file.getPath().getName()).matches()) {
                    found.add(file.getPath());
                }
            }
        }
        // Steps have leading zeros.
        found.sort(Comparator.comparing(Path::getName).reversed());
        return found;
    }

    /**
     * Fails if there are checkpoints, so that a new run does not mix its own with them.
     *
     * @throws GyreException with the directory, also if it cannot be read
     */
    void checkEmpty() {
        try {
            List<Path> found = checkpoints(open());
            if (!found.isEmpty()) {
                throw new GyreException("checkpoint directory " + directory + " has " + found.size()
                        + " checkpoint(s) of another run, up to " + found.get(0).getName()
                        + ": resume that run, or choose another directory");
            }
        } catch (IOException e) {
            throw new GyreException("checkpoint directory " + directory + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Copies the newest checkpoints to a local directory. */
    void fetch(java.nio.file.Path local) {
        try {
            FileSystem files = open();
            for (Path checkpoint : checkpoints(files).stream().limit(FETCHED).toList()) {
                files.copyToLocalFile(
                        false,
                        checkpoint,
                        new Path(local.resolve(checkpoint.getName()).toUri()),
                        true);
            }
        } catch (IOException e) {
            throw new GyreException("checkpoints cannot be read from " + directory + ": " + e.getMessage(), e);
        }
    }

    /** Copies those checkpoints of a local directory that are not there yet, and deletes old ones. */
    void store(java.nio.file.Path local) {
        try {
            FileSystem files = open();
            Path target = new Path(directory);
            files.mkdirs(target);
            List<String> present =
                    checkpoints(files).stream().map(Path::getName).toList();
            for (java.nio.file.Path checkpoint : localCheckpoints(local)) {
                String name = checkpoint.getFileName().toString();
                if (!present.contains(name)) {
                    Path unfinished = new Path(target, "unfinished-" + name);
                    files.copyFromLocalFile(false, true, new Path(checkpoint.toUri()), unfinished);
                    if (!files.rename(unfinished, new Path(target, name))) {
                        throw new IOException(unfinished + " cannot be renamed to " + name);
                    }
                }
            }
            for (Path old : checkpoints(files).stream().skip(keep).toList()) {
                files.delete(old, false);
            }
        } catch (IOException e) {
            throw new GyreException("checkpoints cannot be written to " + directory + ": " + e.getMessage(), e);
        }
    }

    private static List<java.nio.file.Path> localCheckpoints(java.nio.file.Path local) throws IOException {
        try (Stream<java.nio.file.Path> files = Files.list(local)) {
            return files.filter(
                            file -> NAME.matcher(file.getFileName().toString()).matches())
                    .sorted()
                    .toList();
        }
    }
}
