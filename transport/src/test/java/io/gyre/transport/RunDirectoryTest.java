package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.gyre.Member;
import io.gyre.membership.RunId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDirectoryTest {

    /** The number of a user without a name. */
    private static final int STRANGER = 54_321;

    @TempDir
    Path parent;

    @Test
    void onlyItsUserCanEnter() throws IOException {
        try (RunDirectory directory = RunDirectory.create(parent, "test")) {
            assertThat(permissions(directory.path())).isEqualTo("rwx------");
            assertThat(permissions(home())).isEqualTo("rwx------");
        }
    }

    private static String permissions(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    @Test
    void nothingIsLeftAtTheEnd() throws IOException {
        RunDirectory directory = RunDirectory.create(parent, "test");
        Files.createDirectories(directory.path().resolve("a/b"));
        Files.writeString(directory.path().resolve("a/b/c"), "text");

        directory.close();
        directory.close();

        assertThat(parent).isEmptyDirectory();
    }

    @Test
    void anInterruptedThreadRemovesItToo() {
        RunDirectory directory = RunDirectory.create(parent, "test");
        Thread.currentThread().interrupt();

        directory.close();

        assertThat(Thread.interrupted()).isTrue();
        assertThat(parent).isEmptyDirectory();
    }

    @Test
    void whatDeadProcessesLeftIsRemovedAndWhatLivesStays() throws IOException {
        try (RunDirectory own = RunDirectory.create(parent, "own")) {
            Path dead = Files.createDirectories(home().resolve("1-1-r0-dead"));
            Files.createFile(dead.resolve("alive"));
            Path unfinished = Files.createDirectories(home().resolve("1-2-r0-unfinished"));

            try (RunDirectory next = RunDirectory.create(parent, "next")) {
                assertThat(dead).doesNotExist();
                assertThat(unfinished).doesNotExist();
                assertThat(own.path()).exists();
                assertThat(next.path()).exists();
            }
            assertThat(own.path()).exists();
        }
    }

    @Test
    void leftoversCanBeRemovedWithoutAnythingElse() throws IOException {
        UserLock user = new UserLock(parent);
        assertThat(RunDirectory.removeLeftovers(user)).isZero();
        Files.createDirectories(home().resolve("1-1-r0-dead/aeron"));

        assertThat(RunDirectory.removeLeftovers(user)).isOne();

        assertThat(parent).isEmptyDirectory();
    }

    @Test
    void manyMayComeAndGoAtTheSameTime() throws Exception {
        int threads = 6;
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try {
            List<Callable<Void>> tasks = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                tasks.add(() -> {
                    for (int round = 0; round < 20; round++) {
                        try (RunDirectory directory = RunDirectory.create(parent, "many")) {
                            Path file = Files.createFile(directory.path().resolve("mine"));
                            assertThat(directory.filling(path -> 100, 10, "a file", () -> Files.exists(file)))
                                    .isTrue();
                        }
                    }
                    return null;
                });
            }
            for (Future<Void> done : executor.invokeAll(tasks, 60, TimeUnit.SECONDS)) {
                done.get();
            }
        } finally {
            executor.shutdownNow();
        }
        assertThat(parent).isEmptyDirectory();
    }

    @Test
    void aDirectoryThatOthersMayEnterIsClosedToThem() throws IOException {
        Files.createDirectory(home());
        Files.setPosixFilePermissions(home(), PosixFilePermissions.fromString("rwxrwxrwx"));

        try (RunDirectory directory = RunDirectory.create(parent, "test")) {
            assertThat(permissions(home())).isEqualTo("rwx------");
            assertThat(directory.path()).exists();
        }
    }

    @Test
    void aFileInItsPlaceIsNamed() throws IOException {
        Files.createFile(home());

        assertThatThrownBy(() -> RunDirectory.create(parent, "test"))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining(home().toString());
    }

    @Test
    void aLinkInItsPlaceIsNamedAndNothingIsCreatedBehindIt() throws IOException {
        Path elsewhere = Files.createDirectory(parent.resolve("elsewhere"));
        Files.createSymbolicLink(home(), elsewhere);

        assertThatThrownBy(() -> RunDirectory.create(parent, "test"))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContainingAll(home() + " is a link to " + elsewhere, "made by", "remove it");

        assertThat(elsewhere).isEmptyDirectory();
    }

    @Test
    void aDirectoryOfSomebodyElsesIsNamedWithItsOwner() throws IOException {
        makeForeign(Files.createDirectory(home()));

        assertThatThrownBy(() -> RunDirectory.create(parent, "test"))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContainingAll(
                        home() + " belongs to " + STRANGER, "could read and change", "let its owner or root");
    }

    /** Root may enter every directory: a process without that right is used instead. */
    @Test
    void aDirectoryThatThisUserMayNotEnterIsNamedWithItsOwner() throws Exception {
        makeForeign(Files.createDirectory(
                home(), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))));
        assumeThat(Files.isExecutable(Path.of("/usr/bin/setpriv")))
                .as("there is setpriv")
                .isTrue();
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        Process process = new ProcessBuilder(
                        "setpriv",
                        "--bounding-set=-all",
                        "--inh-caps=-all",
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        classPath,
                        Creator.class.getName(),
                        parent.toString())
                .redirectErrorStream(true)
                .start();

        assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .contains(home() + " belongs to " + STRANGER + " (rwx------), and user "
                        + System.getProperty("user.name") + " may not create files in it: remove it, or let its owner");
        assertThat(process.waitFor()).isEqualTo(1);
    }

    @Test
    void aDirectoryThatOthersCanEnterIsNoPeers() throws Exception {
        try (RunDirectory mine = RunDirectory.create(parent, "mine")) {
            RunDirectory.checkPrivate(mine.path());
            for (Path opened : List.of(mine.path(), home())) {
                for (String mode : List.of("rwx--x---", "rwxr-xr-x", "rwx----w-", "rwxrwxrwx")) {
                    Files.setPosixFilePermissions(opened, PosixFilePermissions.fromString(mode));
                    assertNoPeers(mine.path(), opened + " (" + mode);
                }
                Files.setPosixFilePermissions(opened, PosixFilePermissions.fromString("rwx------"));
            }
            RunDirectory.checkPrivate(mine.path());
        }
    }

    @Test
    void aLinkAFileOrNothingIsNoPeersDirectory() throws Exception {
        try (RunDirectory mine = RunDirectory.create(parent, "mine")) {
            Path link = Files.createSymbolicLink(mine.path().resolveSibling("link"), mine.path());
            assertNoPeers(link, link.toString());
            Path file = Files.createFile(mine.path().resolveSibling("file"));
            assertNoPeers(file, file.toString());
            assertThatThrownBy(() -> RunDirectory.checkPrivate(mine.path().resolveSibling("none")))
                    .isInstanceOf(NoSuchFileException.class);
            Files.delete(link);
            Files.delete(file);
        }
    }

    @Test
    void aDirectoryOfAnotherUserIsNoPeers() throws Exception {
        try (RunDirectory mine = RunDirectory.create(parent, "mine")) {
            Path foreign = Files.createDirectory(
                    mine.path().resolveSibling("foreign"),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            makeForeign(foreign);
            assertNoPeers(foreign, foreign + " (rwx------, of");
            Files.delete(foreign);
        }
    }

    /** A box in a directory that others can enter is not mapped, and one that is not there is awaited. */
    @Test
    void everyAttachLooksAtTheDirectory() throws Exception {
        BoxFile boxes = new BoxFile(new RunId(1, 2), 0);
        Member owner = new Member(0, "here", 1);
        try (RunDirectory mine = RunDirectory.create(parent, "mine")) {
            Path file = BoxFile.path(mine.path(), "box");
            boxes.create(file, owner, "box", 8).unmap();
            Objects.requireNonNull(boxes.attach(file, owner, "box", 8)).unmap();
            assertThat(boxes.attach(mine.path().resolveSibling("none").resolve("box"), owner, "box", 8))
                    .isNull();

            Files.setPosixFilePermissions(mine.path(), PosixFilePermissions.fromString("rwxr-xr-x"));
            assertThatThrownBy(() -> boxes.attach(file, owner, "box", 8))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(mine.path() + " (rwxr-xr-x, of");
            Files.setPosixFilePermissions(mine.path(), PosixFilePermissions.fromString("rwx------"));
        }
    }

    private static void assertNoPeers(Path directory, String part) {
        assertThatThrownBy(() -> RunDirectory.checkPrivate(directory))
                .isInstanceOf(IOException.class)
                .hasMessageContainingAll(part, "is not a directory that only this user can enter");
    }

    /** Fails as a rank would. */
    static final class Creator {
        public static void main(String[] arguments) {
            RunDirectory.create(Path.of(arguments[0]), "test").close();
        }
    }

    private static void makeForeign(Path directory) throws IOException {
        assumeThat(System.getProperty("user.name"))
                .as("only root can give a directory away")
                .isEqualTo("root");
        Files.setAttribute(directory, "unix:uid", STRANGER);
    }

    private Path home() {
        return parent.resolve("gyre-" + System.getProperty("user.name"));
    }
}
