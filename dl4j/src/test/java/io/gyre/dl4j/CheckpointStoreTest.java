package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.memory.Region;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointStoreTest {

    @TempDir
    Path directory;

    private static Checkpoint at(int step) {
        Progress progress = Progress.start(step, 0);
        List<Region> state = List.of(Region.allocate("parameters", 64));
        return new Checkpoint(progress, 0, "layout", "{}", state, Checksums.ofState(state));
    }

    private static int newestStep(CheckpointStore store) throws IOException {
        try (CheckpointFile file = store.openNewest()) {
            return file == null ? -1 : file.progress().step();
        }
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private Path file(int step) {
        return directory.resolve(String.format("step-%08d.checkpoint", step));
    }

    private static void truncate(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length / 2));
    }

    @Test
    void theNewestAreKeptAndNothingElseIsDeleted() throws IOException {
        Files.writeString(directory.resolve("notes.txt"), "mine");
        Files.writeString(directory.resolve("step-1.checkpoint.bak"), "mine");
        CheckpointStore store = new CheckpointStore(directory, 2);

        for (int step = 1; step <= 5; step++) {
            store.save(at(step));
        }

        assertThat(names())
                .containsExactly(
                        "notes.txt", "step-00000004.checkpoint", "step-00000005.checkpoint", "step-1.checkpoint.bak");
        assertThat(newestStep(store)).isEqualTo(5);
    }

    @Test
    void anEmptyDirectoryHasNone() throws IOException {
        CheckpointStore store = new CheckpointStore(directory.resolve("made/on/demand"), 2);

        assertThat(newestStep(store)).isEqualTo(-1);
        store.checkEmpty();
    }

    @Test
    void aDamagedOneIsLeftAndTheOneBeforeItUsed() throws IOException {
        CheckpointStore store = new CheckpointStore(directory, 3);
        store.save(at(10));
        store.save(at(20));
        store.save(at(30));
        truncate(file(30));
        truncate(file(20));

        assertThat(newestStep(store)).isEqualTo(10);
        assertThat(file(30)).exists();
    }

    @Test
    void aDamagedNewerOneDoesNotPushOutTheGoodOnes() throws IOException {
        CheckpointStore store = new CheckpointStore(directory, 1);
        store.save(at(10));
        Files.write(file(99), new byte[] {1, 2, 3});

        store.save(at(20));

        assertThat(newestStep(store)).isEqualTo(20);
        assertThat(file(10)).doesNotExist();
        assertThat(file(99)).exists();
    }

    @Test
    void ifAllAreDamagedThatIsAnErrorAndNotAFreshStart() throws IOException {
        CheckpointStore store = new CheckpointStore(directory, 3);
        store.save(at(10));
        truncate(file(10));

        assertThatThrownBy(store::openNewest)
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("all 1 checkpoint(s)")
                .hasMessageContaining(directory.toString());
    }

    @Test
    void anUnfinishedOneOfAKilledProcessIsOverwritten() throws IOException {
        CheckpointStore store = new CheckpointStore(directory, 3);
        Files.write(directory.resolve("unfinished.checkpoint"), new byte[100_000]);

        assertThat(newestStep(store)).isEqualTo(-1);
        store.save(at(10));

        assertThat(names()).containsExactly("step-00000010.checkpoint");
        assertThat(newestStep(store)).isEqualTo(10);
    }

    @Test
    void anotherRunsDirectoryIsRefused() {
        CheckpointStore store = new CheckpointStore(directory, 3);
        store.save(at(10));

        assertThatThrownBy(store::checkEmpty)
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("up to step 10")
                .hasMessageContaining("resume that run, or choose another directory");
    }

    @Test
    void aDirectoryThatCannotBeMadeIsNamed() throws IOException {
        Path occupied = Files.writeString(directory.resolve("occupied"), "a file");

        assertThatThrownBy(() -> new CheckpointStore(occupied.resolve("sub"), 3))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("cannot be created")
                .hasMessageContaining(occupied.toString());
    }

    @Test
    void aMissingDirectoryIsNamed() throws IOException {
        Path missing = directory.resolve("missing");
        CheckpointStore store = new CheckpointStore(missing, 3);
        Files.delete(missing);

        assertThatThrownBy(() -> store.save(at(10)))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("cannot be written")
                .hasMessageContaining("NoSuchFileException");
    }

    @Test
    void aFullDiskLeavesTheOldFileAndNoRubbish() throws IOException {
        Path target = Files.writeString(directory.resolve("model.zip"), "old");
        Path unfinished = directory.resolve("model.zip.unfinished");

        assertThatThrownBy(() -> AtomicFile.write(target, unfinished, channel -> {
                    channel.write(java.nio.ByteBuffer.allocate(100));
                    throw new IOException("No space left on device");
                }))
                .hasMessage("No space left on device");

        assertThat(target).hasContent("old");
        assertThat(unfinished).doesNotExist();
    }
}
