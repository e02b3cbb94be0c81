package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.testkit.Canary;
import io.gyre.transport.GyreVariable;
import io.gyre.transport.RunSecret;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/**
 * The token of a running rank, as its environment names it.
 *
 * @param file that contains it
 * @param bytes what was in the file
 */
record RankToken(Path file, byte[] bytes) {

    static RankToken of(long pid) throws IOException {
        String start = GyreVariable.TOKEN_FILE + "=";
        String environment = Files.readString(Path.of("/proc", String.valueOf(pid), "environ"));
        Path file = environment
                .lines()
                .flatMap(text -> List.of(text.split("\0", -1)).stream())
                .filter(variable -> variable.startsWith(start))
                .map(variable -> Path.of(variable.substring(start.length())))
                .findFirst()
                .orElseThrow(() -> new AssertionError("process " + pid + " was told no " + start));
        return new RankToken(file, Files.readAllBytes(file));
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

    /** Checks that no running process has it in its arguments or in its environment, as far as this user can see. */
    void assertInNoProcess() {
        Canary canary = new Canary(bytes);
        List<String> finds = new ArrayList<>();
        ProcessHandle.allProcesses().forEach(process -> {
            for (String what : List.of("cmdline", "environ")) {
                Path path = Path.of("/proc", String.valueOf(process.pid()), what);
                canary.formsIn(contents(path)).forEach(form -> finds.add(path + ": " + form));
            }
        });
        assertThat(finds).isEmpty();
    }

    /** Of a process that ended meanwhile, or of another user: nothing. */
    private static String contents(Path path) {
        try {
            return new String(Files.readAllBytes(path), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }

    void awaitRemoved() {
        Await.until(
                GyreProcess.STOPPED, () -> file.getParent() + " is removed", () -> !Files.exists(file.getParent()));
    }
}
