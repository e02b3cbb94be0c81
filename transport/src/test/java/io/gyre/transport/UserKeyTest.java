package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class UserKeyTest {

    private static final int NOBODY = 65_534;

    @TempDir
    private Path shared;

    private Path file() throws IOException {
        return new UserLock(shared).home().resolve("key");
    }

    private static String permissions(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    @Test
    void itIsMadeOnceAndOnlyTheUserCanReadIt() throws Exception {
        RunSecret first = UserKey.read(shared);

        assertThat(UserKey.read(shared)).isEqualTo(first);
        assertThat(Files.size(file())).isEqualTo(32);
        assertThat(permissions(file())).isEqualTo("rw-------");
        assertThat(permissions(file().getParent())).isEqualTo("rwx------");
    }

    @Test
    void whoeverComesAtTheSameTimeGetsTheSame() throws Exception {
        List<CompletableFuture<RunSecret>> reads = IntStream.range(0, 8)
                .mapToObj(i -> OwnThread.call(() -> UserKey.read(shared)))
                .toList();
        for (CompletableFuture<RunSecret> read : reads) {
            assertThat(read.get(30, TimeUnit.SECONDS)).isEqualTo(reads.get(0).get());
        }
    }

    @Test
    void itStaysWhenRunsEnd() throws Exception {
        RunSecret before = UserKey.read(shared);
        RunDirectory.create(shared, "r0").close();
        assertThat(UserKey.read(shared)).isEqualTo(before);
    }

    @Test
    void aKeyThatOthersMayReadIsRejected() throws Exception {
        UserKey.read(shared);
        Files.setPosixFilePermissions(file(), PosixFilePermissions.fromString("rw-r--r--"));

        assertThatThrownBy(() -> UserKey.read(shared))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContainingAll("file " + file(), "has the mode 644");
    }

    @Test
    void aKeyOfAnotherUserIsRejected() throws Exception {
        assumeThat(ThisUser.id()).as("only root can give files away").isZero();
        UserKey.read(shared);
        Files.setAttribute(file(), "unix:uid", NOBODY);

        assertThatThrownBy(() -> UserKey.read(shared))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContainingAll("file " + file(), "belongs to user 65534");
    }

    @Test
    void aDirectoryOfAnotherUserIsRejected() throws Exception {
        assumeThat(ThisUser.id()).as("only root can give directories away").isZero();
        UserKey.read(shared);
        Files.setAttribute(file().getParent(), "unix:uid", NOBODY);

        assertThatThrownBy(() -> UserKey.read(shared))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContainingAll(file().getParent() + " belongs to", "could read and change");
    }

    @Test
    void aLinkToAnotherDirectoryIsRejected() throws Exception {
        Path elsewhere = Files.createDirectory(shared.resolve("elsewhere"));
        Files.createSymbolicLink(new UserLock(shared).home(), elsewhere);

        assertThatThrownBy(() -> UserKey.read(shared))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("is a link to " + elsewhere);
        assertThat(elsewhere).isEmptyDirectory();
    }
}
