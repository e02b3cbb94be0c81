package io.gyre.cuda;

import io.gyre.device.DeviceException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Set;

/**
 * Puts JCuda's native libraries in place before JCuda looks for them.
 *
 * <p>JCuda extracts a library to a fixed name in the directory for temporary files, unless that name exists, and loads
 * it from there. If several JVMs start together, one may load a file that another has half written, and die of SIGBUS;
 * and any user with write access to that directory can plant a library. So this class writes the library to a directory
 * that only this user may enter, under a temporary name, and renames it when it is complete. JCuda's name for it is a
 * link to that file, created atomically; if it exists already, it must belong to this user, be writable by nobody else,
 * and have the same bytes.
 *
 * <p>A JVM that was started with that private directory in {@code java.library.path} loads from there.
 */
final class NativeLibraries {

    /** The version of the dependency, which JCuda has in the names. */
    static final String VERSION = "12.6.0";

    private static final Set<PosixFilePermission> OTHERS_MAY_WRITE =
            Set.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

    private final Path temporary;
    private final Path own;

    /**
     * Libraries under a directory.
     *
     * @param temporary what JCuda uses as {@code java.io.tmpdir}
     */
    NativeLibraries(Path temporary) {
        this.temporary = temporary;
        own = temporary.resolve(
                "gyre-jcuda-" + VERSION + "-" + System.getProperty("user.name").replaceAll("\\W", "_"));
    }

    /** Where the libraries are. */
    Path directory() {
        return own;
    }

    /**
     * Puts libraries in place.
     *
     * @param names without version and platform: {@code JCudaDriver}
     */
    void prepare(String... names) {
        for (String name : names) {
            String file = "lib" + name + "-" + VERSION + "-linux-x86_64.so";
            try {
                link(extract(file), temporary.resolve(file));
            } catch (IOException e) {
                throw new DeviceException(
                        DeviceException.Reason.ABSENT,
                        "JCuda's " + file + " cannot be put into " + temporary + ": " + e
                                + ". Give another directory with -Djava.io.tmpdir");
            }
        }
    }

    private Path extract(String file) throws IOException {
        Path target = own.resolve(file);
        makeOwnDirectory();
        byte[] library = read(file);
        if (isSame(target, library)) {
            return target;
        }
        Path part = Files.createTempFile(own, file, ".part");
        try {
            Files.write(part, library);
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
        return target;
    }

    private void makeOwnDirectory() throws IOException {
        try {
            Files.createDirectory(
                    own, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        } catch (FileAlreadyExistsException e) {
            checkOwn(own);
        }
    }

    private static byte[] read(String file) throws IOException {
        try (InputStream in = NativeLibraries.class.getResourceAsStream("/lib/" + file)) {
            if (in == null) {
                throw new DeviceException(
                        DeviceException.Reason.ABSENT,
                        "there is no " + file + " on the class path: add org.jcuda:jcuda-natives:" + VERSION
                                + ":linux-x86_64");
            }
            return in.readAllBytes();
        }
    }

    private static boolean isSame(Path file, byte[] library) throws IOException {
        return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                && Files.size(file) == library.length
                && Arrays.equals(Files.readAllBytes(file), library);
    }

    private static void link(Path library, Path name) throws IOException {
        try {
            Files.createLink(name, library);
        } catch (FileAlreadyExistsException e) {
            checkOwn(name);
            if (!isSame(name, Files.readAllBytes(library))) {
                // A file left by a JVM that ended while JCuda wrote it.
                Path fresh = library.resolveSibling(
                        name.getFileName() + "." + ProcessHandle.current().pid());
                Files.createLink(fresh, library);
                Files.move(fresh, name, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    /** Fails unless a file or directory belongs to this user and nobody else can write to it. */
    private static void checkOwn(Path path) throws IOException {
        String user = System.getProperty("user.name");
        String owner = Files.getOwner(path, LinkOption.NOFOLLOW_LINKS).getName();
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS);
        boolean othersMayWrite = permissions.stream().anyMatch(OTHERS_MAY_WRITE::contains);
        if (!owner.equals(user) || othersMayWrite || Files.isSymbolicLink(path)) {
            throw new DeviceException(
                    DeviceException.Reason.ABSENT,
                    path + " belongs to " + owner + (othersMayWrite ? ", and others may write to it" : "")
                            + ": it is not loaded. Remove it, or give a directory of your own with -Djava.io.tmpdir");
        }
    }
}
