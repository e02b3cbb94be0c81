package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RunSecretTest {

    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int NOBODY = 65_534;

    @TempDir
    private Path directory;

    private Path file(int bytes, String mode) throws IOException {
        Path file = directory.resolve("secret");
        Files.write(file, new byte[bytes]);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
        return file;
    }

    private static void assertRejected(Path file, String... parts) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunSecret.read(file))
                .withMessageContaining(file.toString())
                .withMessageContainingAll(parts);
    }

    @Test
    void whatWasWrittenIsReadAndOnlyTheOwnerCan() throws IOException {
        RunSecret secret = RunSecret.random(RANDOM);
        Path file = directory.resolve("secret");
        secret.write(file);

        assertThat(RunSecret.read(file)).isEqualTo(secret).hasSameHashCodeAs(secret);
        assertThat(Files.size(file)).isEqualTo(32);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        try (Stream<Path> left = Files.list(directory)) {
            assertThat(left).containsExactly(file);
        }
    }

    @Test
    void anExistingFileIsKept() throws IOException {
        Path file = file(40, "rw-------");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunSecret.random(RANDOM).write(file))
                .withMessageContaining("file " + file + " exists already, and is kept");
        assertThat(file).hasSize(40);
    }

    @Test
    void aDirectoryThatDoesNotExistIsNamed() {
        Path file = directory.resolve("none").resolve("secret");
        assertThatThrownBy(() -> RunSecret.random(RANDOM).write(file))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("cannot be written to file " + file);
    }

    @Test
    void nothingTellsTheBytes() {
        RunSecret one = RunSecret.random(RANDOM);
        RunSecret other = RunSecret.random(RANDOM);
        assertThat(one).hasToString("RunSecret[hidden]").isNotEqualTo(other).hasSameHashCodeAs(other);
        assertThat(one).isNotInstanceOf(Serializable.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"rw-r-----", "rw--w----", "rw---x---", "rw----r--", "rw-----w-", "rw------x", "rwxrwxrwx"})
    void aFileThatOthersMayUseIsRejected(String mode) throws IOException {
        assertRejected(file(32, mode), "has the mode", "chmod 600");
    }

    @ParameterizedTest
    @ValueSource(strings = {"r--------", "rw-------", "rwx------"})
    void aFileOfItsOwnerIsAccepted(String mode) throws IOException {
        Path file = file(32, mode);
        assertThat(RunSecret.read(file)).isEqualTo(RunSecret.read(file));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 31, 1_025, 1 << 20})
    void aWrongSizeIsRejected(int bytes) throws IOException {
        assertRejected(file(bytes, "rw-------"), "has " + bytes + " bytes", "32 to 1024");
    }

    @ParameterizedTest
    @ValueSource(ints = {32, 33, 1_024})
    void allBytesCount(int bytes) throws IOException {
        Path file = file(bytes, "rw-------");
        RunSecret before = RunSecret.read(file);
        byte[] changed = new byte[bytes];
        changed[bytes - 1] = 1;
        Files.write(file, changed);
        assertThat(RunSecret.read(file)).isNotEqualTo(before);
    }

    @Test
    void whatIsNoFileIsRejected() throws IOException {
        assertRejected(directory.resolve("none"), "does not exist", "gyre secret");
        Path inside = Files.createDirectory(directory.resolve("directory"));
        assertRejected(inside, "is not a regular file");
        assertRejected(Path.of("/dev/zero"), "is not a regular file");
    }

    @Test
    void aFileOfAnotherUserIsRejected() throws IOException {
        assumeThat(ThisUser.id()).as("only root can give files away").isZero();
        Path file = file(32, "rw-------");
        Files.setAttribute(file, "unix:uid", NOBODY);
        assertRejected(file, "belongs to user 65534", "not to user 0");
    }

    @Test
    void aLinkOfThisUserIsFollowed() throws IOException {
        Path file = file(32, "rw-------");
        Path link = Files.createSymbolicLink(
                directory.resolve("link"), directory.relativize(directory.resolve("second")));
        Files.createSymbolicLink(directory.resolve("second"), file);
        assertThat(RunSecret.read(link)).isEqualTo(RunSecret.read(file));
    }

    @Test
    void aLinkOfAnotherUserIsRejected() throws IOException {
        assumeThat(ThisUser.id()).as("only root can give links away").isZero();
        Path link = Files.createSymbolicLink(directory.resolve("link"), file(32, "rw-------"));
        Files.setAttribute(link, "unix:uid", NOBODY, LinkOption.NOFOLLOW_LINKS);
        assertRejected(link, "is a symbolic link of user", "name the file itself");
    }

    @Test
    void aLinkToItselfIsRejected() throws IOException {
        Path link = Files.createSymbolicLink(directory.resolve("link"), directory.resolve("link"));
        assertRejected(link, "leads nowhere");
    }

    @Test
    void theEnvironmentNamesTheFiles() {
        Path secretFile = directory.resolve("secret");
        Path tokenFile = directory.resolve("token");
        RunSecret secret = RunSecret.random(RANDOM);
        RunSecret token = RunSecret.random(RANDOM);
        secret.write(secretFile);
        token.write(tokenFile);
        Map<String, String> user = Map.of("GYRE_SECRET_FILE", secretFile.toString());
        Map<String, String> launcher = Map.of("GYRE_TOKEN_FILE", tokenFile.toString());
        Map<String, String> both =
                Map.of("GYRE_SECRET_FILE", secretFile.toString(), "GYRE_TOKEN_FILE", tokenFile.toString());

        assertThat(RunSecret.fromEnvironment(Map.of())).isEmpty();
        assertThat(RunSecret.fromEnvironment(user)).contains(secret);
        assertThat(RunSecret.fromEnvironment(launcher)).contains(token);
        assertThat(RunSecret.fromEnvironment(both)).contains(secret.and(token));
        assertThat(secret.and(token)).isNotEqualTo(token.and(secret)).isNotEqualTo(secret);
    }

    @Test
    void aWrongFileIsNamedWithItsVariable() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunSecret.fromEnvironment(Map.of("GYRE_TOKEN_FILE", "/nowhere/token")))
                .withMessageContaining("GYRE_TOKEN_FILE: file /nowhere/token does not exist");
    }

    @Test
    void keysOfDifferentPurposesDiffer() {
        RunSecret secret = RunSecret.random(RANDOM);
        assertThat(HexFormat.of().formatHex(secret.key("one", 32)))
                .hasSize(64)
                .isEqualTo(HexFormat.of().formatHex(secret.key("one", 32)))
                .isNotEqualTo(HexFormat.of().formatHex(secret.key("two", 32)));
    }
}
