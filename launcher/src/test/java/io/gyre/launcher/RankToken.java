package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.transport.GyreVariable;
import io.gyre.transport.RunSecret;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;

/** The token of a running rank, in the file that its environment names. */
final class RankToken {

    private final Path file;
    private final byte[] bytes;

    private RankToken(Path file, byte[] bytes) {
        this.file = file;
        this.bytes = bytes;
    }

    static RankToken of(long pid) throws IOException {
        String start = GyreVariable.TOKEN_FILE + "=";
        String environment = Files.readString(Path.of("/proc", String.valueOf(pid), "environ"));
        Path file = Stream.of(environment.split("\0", -1))
                .filter(variable -> variable.startsWith(start))
                .map(variable -> Path.of(variable.substring(start.length())))
                .findFirst()
                .orElseThrow(() -> new AssertionError("process " + pid + " was told no " + start));
        return new RankToken(file, Files.readAllBytes(file));
    }

    /** The file that contains it. */
    Path file() {
        return file;
    }

    /** What was in the file. */
    byte[] bytes() {
        return bytes;
    }

    /** Checks that nobody but this user can read it. */
    void assertPrivate() throws IOException {
        assertThat(bytes).hasSize(RunSecret.MIN_BYTES);
        assertThat(permissions(file)).isEqualTo("rw-------");
        assertThat(permissions(file.getParent())).isEqualTo("rwx------");
    }

    private static String permissions(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    void awaitRemoved() {
        Await.until(
                GyreProcess.STOPPED, () -> file.getParent() + " is removed", () -> !Files.exists(file.getParent()));
    }
}
