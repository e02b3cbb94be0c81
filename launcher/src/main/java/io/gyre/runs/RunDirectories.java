package io.gyre.runs;

import io.gyre.launcher.ReportFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.stream.Stream;

/** Creates run directories, each at once with its record, and removes them. */
final class RunDirectories {

    private static final String UNFINISHED = ".unfinished-";

    /** A few blocks of any file system. */
    private static final int TRIAL_BYTES = 64 << 10;

    private RunDirectories() {}

    /**
     * Fails unless a new run can have this directory: it is missing or empty.
     *
     * @throws BadRunException if something is in it, with what that is
     */
    static void checkFree(RunFiles files) {
        Path directory = files.directory();
        if (!Files.exists(directory)) {
            return;
        }
        if (!Files.isDirectory(directory)) {
            throw new BadRunException(directory + " is a file, and cannot be the directory of a run");
        }
        try {
            if (isEmpty(directory)) {
                return;
            }
            if (RunLock.isHeld(files.lock())) {
                throw new BadRunException(directory + " is the directory of a run that is under way ("
                        + RunLock.holder(files.lock()) + "): choose another directory");
            }
        } catch (IOException e) {
            throw new BadRunException(directory + " cannot be read: " + DurableFile.reason(e), e);
        }
        RunRecord found = RunRecord.read(files);
        throw new BadRunException(directory + " holds a run already (" + found.state()
                + "): choose another directory, or continue that run with gyre runs resume " + directory);
    }

    private static boolean isEmpty(Path directory) throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            return !entries.iterator().hasNext();
        }
    }

    /**
     * Creates the directory, with its record.
     *
     * @throws IOException if it cannot be written; nothing is left
     * @throws BadRunException if another run has taken it
     */
    static void create(RunFiles files, RunRecord first) throws IOException {
        Path whole = files.directory().toAbsolutePath().normalize();
        Path parent = whole.getParent();
        Files.createDirectories(parent == null ? whole : parent);
        Path unfinished = whole.resolveSibling(
                "." + files.name() + UNFINISHED + ProcessHandle.current().pid());
        try {
            Files.createDirectory(unfinished);
            tryOut(unfinished.resolve("trial"));
            DurableFile.write(new RunFiles(unfinished).record(), ReportFile.json(first));
            Files.move(unfinished, whole, StandardCopyOption.ATOMIC_MOVE);
        } catch (DirectoryNotEmptyException | FileAlreadyExistsException e) {
            throw new BadRunException(
                    files.directory() + " was taken by another run at the same moment: choose another directory", e);
        } catch (FileSystemException e) {
            if (Files.exists(files.record())) {
                throw new BadRunException(
                        files.directory() + " was taken by another run at the same moment: choose another directory",
                        e);
            }
            throw e;
        } finally {
            remove(unfinished);
        }
        DurableFile.syncDirectory(whole.resolveSibling("."));
    }

    /** Writes as much as the disk must have room for before it is worth to begin. */
    private static void tryOut(Path trial) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(TRIAL_BYTES);
        try (FileChannel channel = FileChannel.open(trial, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        Files.delete(trial);
    }

    /** Removes a directory and all in it, if it is there. Links are removed, not followed. */
    static void remove(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
