package io.gyre.transport;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * A file whose contents only this user (and root) may know. What others could read or replace is rejected: the error
 * names the file, what is wrong with it, and what to do.
 */
final class PrivateFile {

    private static final Set<PosixFilePermission> OWNER_READS_AND_WRITES = PosixFilePermissions.fromString("rw-------");
    private static final String ATTRIBUTES = "unix:uid,mode,ino,dev,ctime,size,isRegularFile";
    private static final int PERMISSIONS = 07777;
    private static final int OF_OTHERS = 077;
    private static final int LINKS = 40;
    private static final int ROOT = 0;

    private PrivateFile() {}

    /**
     * Reads the whole file.
     *
     * @param smallest fewest bytes that it may have
     * @param largest most bytes that it may have
     * @throws IllegalArgumentException if others could read or replace it, or its size is wrong
     * @throws IOException if it cannot be read
     */
    static byte[] read(Path path, int smallest, int largest) throws IOException {
        Path file = follow(path.toAbsolutePath());
        Map<String, Object> before = attributes(path, file);
        check(path, before);
        long size = number(before, "size");
        if (size < smallest || size > largest) {
            throw new IllegalArgumentException("file " + path + " has " + size + " bytes; a secret has " + smallest
                    + " to " + largest + ": make a new one");
        }
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
            bytes = in.readNBytes(largest + 1);
        }
        // What was checked by its name might not be what was opened.
        if (bytes.length != size || !before.equals(attributes(path, file))) {
            throw new IllegalArgumentException("file " + path + " was changed while it was read: try again");
        }
        return bytes;
    }

    /** Follows symbolic links of this user and of root: other users could let theirs lead elsewhere at any time. */
    private static Path follow(Path path) throws IOException {
        Path step = path;
        for (int links = 0; Files.isSymbolicLink(step); links++) {
            int owner = (Integer) Files.getAttribute(step, "unix:uid", LinkOption.NOFOLLOW_LINKS);
            if (owner != ROOT && owner != ThisUser.id()) {
                throw new IllegalArgumentException("file " + path + " is a symbolic link of user "
                        + Files.getOwner(step, LinkOption.NOFOLLOW_LINKS)
                        + ", who could change it: name the file itself");
            }
            if (links == LINKS) {
                throw new IllegalArgumentException(
                        "file " + path + " is a symbolic link that leads nowhere: name the file itself");
            }
            step = step.resolveSibling(Files.readSymbolicLink(step));
        }
        return step;
    }

    private static Map<String, Object> attributes(Path path, Path file) throws IOException {
        try {
            return Files.readAttributes(file, ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
        } catch (NoSuchFileException e) {
            throw new IllegalArgumentException(
                    "file " + path + " does not exist. 'gyre secret " + path + "' makes one", e);
        } catch (UnsupportedOperationException e) {
            throw new IllegalArgumentException(
                    "file " + path + " is on a file system that does not record who may read it: move it to another",
                    e);
        }
    }

    private static long number(Map<String, Object> attributes, String name) {
        return ((Number) Objects.requireNonNull(attributes.get(name))).longValue();
    }

    private static void check(Path path, Map<String, Object> attributes) throws IOException {
        if (!Boolean.TRUE.equals(attributes.get("isRegularFile"))) {
            throw new IllegalArgumentException("file " + path + " is not a regular file: name one");
        }
        long owner = number(attributes, "uid");
        if (owner != ROOT && owner != ThisUser.id()) {
            throw new IllegalArgumentException("file " + path + " belongs to user " + owner + ", who can read it, and"
                    + " not to user " + ThisUser.id() + ", who runs this process: make one of your own");
        }
        long mode = number(attributes, "mode") & PERMISSIONS;
        if ((mode & OF_OTHERS) != 0) {
            throw new IllegalArgumentException("file " + path + " has the mode " + Long.toOctalString(mode)
                    + ", so that other users may use it: chmod 600 " + path
                    + ", and make a new secret if others may have read it");
        }
    }

    /**
     * Writes a new file. Readers see either nothing or the whole file.
     *
     * @throws FileAlreadyExistsException if there is one of that name
     * @throws IOException if it cannot be written
     */
    static void write(Path path, byte[] bytes) throws IOException {
        Path absolute = path.toAbsolutePath();
        Path temporary = Files.createTempFile(
                absolute.getParent(), ".new", "", PosixFilePermissions.asFileAttribute(OWNER_READS_AND_WRITES));
        try {
            try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
                ByteBuffer content = ByteBuffer.wrap(bytes);
                while (content.hasRemaining()) {
                    channel.write(content);
                }
                channel.force(true);
            }
            // A link, because a move would replace what is there.
            Files.createLink(absolute, temporary);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }
}
