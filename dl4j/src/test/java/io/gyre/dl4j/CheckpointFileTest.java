package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.memory.Region;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointFileTest {

    private static final Progress PROGRESS = new Progress(17, 2, 340, 99, "1000 examples, seed 1", 1, 10, 1);

    @TempDir
    Path directory;

    private Path file;
    private byte[] bytes;

    @BeforeEach
    void writeOne() throws IOException {
        file = directory.resolve("step-17.checkpoint");
        Region parameters = Region.allocate("parameters", 5 * Float.BYTES);
        Region updater = Region.allocate("updater state", 10 * Float.BYTES);
        for (int i = 0; i < 5; i++) {
            parameters.putFloat((long) i * Float.BYTES, i + 0.5f);
        }
        List<Region> state = List.of(parameters, updater);
        Checkpoint checkpoint =
                new Checkpoint(PROGRESS, -7, "W [2, 2]; b [1]", "{\"né\": 1}", state, Checksums.ofState(state));
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            CheckpointFile.write(checkpoint, channel);
        }
        bytes = Files.readAllBytes(file);
    }

    private void tryToOpen(byte[] content) throws IOException {
        Files.write(file, content);
        CheckpointFile.open(file).close();
    }

    @Test
    void whatWasWrittenIsRead() throws IOException {
        Region parameters = Region.allocate("parameters", 5 * Float.BYTES);
        Region updater = Region.allocate("updater state", 10 * Float.BYTES);
        updater.putFloat(8, 3);

        try (CheckpointFile read = CheckpointFile.open(file)) {
            assertThat(read.progress()).isEqualTo(PROGRESS);
            assertThat(read.seed()).isEqualTo(-7);
            assertThat(read.layout()).isEqualTo("W [2, 2]; b [1]");
            assertThat(read.configuration()).isEqualTo("{\"né\": 1}");
            read.readState(List.of(parameters, updater));
        }

        for (int i = 0; i < 5; i++) {
            assertThat(parameters.getFloat((long) i * Float.BYTES)).isEqualTo(i + 0.5f);
        }
        assertThat(updater.getFloat(8)).isZero();
    }

    @Test
    void everyTruncationIsFound() {
        for (int length = 0; length < bytes.length; length++) {
            byte[] torn = Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> tryToOpen(torn))
                    .as("the first %d of %d bytes", length, bytes.length)
                    .isInstanceOf(CheckpointFile.DamagedException.class);
        }
    }

    @Test
    void everyFlippedBitIsFound() {
        for (int bit = 0; bit < bytes.length * Byte.SIZE; bit++) {
            byte[] changed = bytes.clone();
            changed[bit / Byte.SIZE] ^= (byte) (1 << bit % Byte.SIZE);
            assertThatThrownBy(() -> tryToOpen(changed))
                    .as("bit %d of byte %d", bit % Byte.SIZE, bit / Byte.SIZE)
                    .isInstanceOf(CheckpointFile.DamagedException.class);
        }
    }

    @Test
    void bytesAfterTheEndAreFound() {
        assertThatThrownBy(() -> tryToOpen(Arrays.copyOf(bytes, bytes.length + 1)))
                .hasMessageContaining("1 bytes follow its end");
    }

    @Test
    void aLengthBeyondTheFileIsNotBelieved() {
        ByteBuffer lying = ByteBuffer.wrap(bytes.clone()).order(ByteOrder.LITTLE_ENDIAN);
        lying.putLong(20, Long.MAX_VALUE - 100);

        assertThatThrownBy(() -> tryToOpen(lying.array()))
                .isInstanceOf(CheckpointFile.DamagedException.class)
                .hasMessageContaining("does not fit");
    }

    @Test
    void anotherKindOfFileIsNamedSo() {
        assertThatThrownBy(() -> tryToOpen(
                        "PK\3\4 a zip file, perhaps a model".getBytes(java.nio.charset.StandardCharsets.US_ASCII)))
                .isInstanceOf(CheckpointFile.DamagedException.class)
                .hasMessageContaining("does not begin like a checkpoint");
    }

    @Test
    void stateThatIsNotWhatRanksAgreedOnIsNotWritten() throws IOException {
        List<Region> state = List.of(Region.allocate("parameters", 8));
        String agreed = Checksums.ofState(state);
        state.get(0).putFloat(4, Float.MIN_VALUE);
        Path other = directory.resolve("other");

        assertThatThrownBy(() -> {
                    try (FileChannel channel =
                            FileChannel.open(other, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                        CheckpointFile.write(new Checkpoint(PROGRESS, 0, "layout", "{}", state, agreed), channel);
                    }
                })
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("the checkpoint of step 17 is not kept")
                .hasMessageContaining("all ranks have agreed on the checksum " + agreed)
                .hasMessageContaining("what rank 0 has written has " + Checksums.ofState(state));
    }

    /** Every part is intact, but the state is not the one that ranks agreed on. */
    @Test
    void stateThatIsNotWhatRanksAgreedOnIsRefused() {
        byte[] name = "checksum of the state".getBytes(StandardCharsets.US_ASCII);
        int nameAt =
                new String(bytes, StandardCharsets.ISO_8859_1).indexOf(new String(name, StandardCharsets.US_ASCII));
        int from = nameAt - 12;
        int end = nameAt + name.length + 8;
        byte[] changed = bytes.clone();
        changed[end - 1] = (byte) (changed[end - 1] == '0' ? '1' : '0');
        CRC32C crc = new CRC32C();
        crc.update(changed, from, end - from);
        ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putInt(end, (int) crc.getValue());

        assertThatThrownBy(() -> tryToOpen(changed))
                .isInstanceOf(CheckpointFile.DamagedException.class)
                .hasMessageContaining("its state has the checksum");
    }

    @Test
    void aPartTwiceIsRefused() {
        int first = 16;
        ByteBuffer whole = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int partBytes = 12 + whole.getInt(first) + (int) whole.getLong(first + 4) + 4;
        byte[] twice = Arrays.copyOf(bytes, bytes.length + partBytes);
        System.arraycopy(bytes, first, twice, bytes.length, partBytes);
        ByteBuffer.wrap(twice).order(ByteOrder.LITTLE_ENDIAN).putInt(12, whole.getInt(12) + 1);

        assertThatThrownBy(() -> tryToOpen(twice))
                .isInstanceOf(CheckpointFile.DamagedException.class)
                .hasMessage("it has two parts 'progress'");
    }

    /** The part's checksum is right, and the seed is not. */
    @Test
    void aSeedThatIsNoNumberIsRefused() {
        byte[] changed = bytes.clone();
        int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("seed-7");
        changed[at + 4] = 'x';
        CRC32C crc = new CRC32C();
        crc.update(changed, at - 12, 12 + 6);
        ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putInt(at + 6, (int) crc.getValue());

        assertThatThrownBy(() -> tryToOpen(changed))
                .isInstanceOf(CheckpointFile.DamagedException.class)
                .hasMessage("its seed is no number of 64 bits");
    }

    @Test
    void progressThatCannotBeIsRefusedWithTheNumber() {
        String text = PROGRESS.text();

        assertThat(Progress.parse(text)).isEqualTo(PROGRESS);
        assertThatThrownBy(() -> Progress.parse(text.replace("step\t17", "step\t-17")))
                .isInstanceOf(GyreException.class)
                .hasMessage("not the progress of a run: its step is '-17', expected a number from 0 to 2147483647");
        assertThatThrownBy(() -> Progress.parse(text.replace("340", "9".repeat(1_000))))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("its position is '" + "9".repeat(40) + "', expected");
        assertThatThrownBy(() -> Progress.parse("")).hasMessageContaining("its step is ''");
    }

    @Test
    void aNewerFormatIsNamedSo() {
        ByteBuffer newer = ByteBuffer.wrap(bytes.clone()).order(ByteOrder.LITTLE_ENDIAN);
        newer.putInt(8, 9);

        assertThatThrownBy(() -> tryToOpen(newer.array())).hasMessageContaining("version 9");
    }

    @Test
    void stateOfAnotherLengthIsRefused() throws IOException {
        try (CheckpointFile read = CheckpointFile.open(file)) {
            assertThatThrownBy(() -> read.readState(List.of(Region.allocate("parameters", 24))))
                    .hasMessageContaining("state 0 has 20 bytes, and the model's 24");
        }
    }
}
