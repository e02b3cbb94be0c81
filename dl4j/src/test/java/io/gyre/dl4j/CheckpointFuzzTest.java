package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.gyre.GyreException;
import io.gyre.testkit.ParserContract;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.io.TempDir;

class CheckpointFuzzTest {

    private static final int HEADER_BYTES = 16;
    private static final int PART_HEADER_BYTES = 12;
    private static final int CRC_BYTES = 4;

    @TempDir
    static Path directory;

    @FuzzTest
    void open(byte[] bytes) throws IOException {
        check(bytes);
        check(withRightChecksums(bytes.clone()));
    }

    private static void check(byte[] bytes) throws IOException {
        Path file = Files.write(directory.resolve("step-1.checkpoint"), bytes);
        ParserContract.parse(
                bytes.length,
                () -> {
                    try (CheckpointFile open = CheckpointFile.open(file)) {
                        assertThat(Progress.parse(open.progress().text())).isEqualTo(open.progress());
                        return open.seed() + open.layout() + open.configuration();
                    }
                },
                IOException.class);
    }

    /** So that what is behind the checksums is reached. */
    private static byte[] withRightChecksums(byte[] bytes) {
        ByteBuffer file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = HEADER_BYTES; bytes.length - at >= PART_HEADER_BYTES + CRC_BYTES; ) {
            long end = at + PART_HEADER_BYTES + (long) file.getInt(at) + file.getLong(at + 4);
            if (end < at + PART_HEADER_BYTES || end > bytes.length - CRC_BYTES) {
                break;
            }
            CRC32C crc = new CRC32C();
            crc.update(bytes, at, (int) end - at);
            file.putInt((int) end, (int) crc.getValue());
            at = (int) end + CRC_BYTES;
        }
        return bytes;
    }

    /** As it stands in a checkpoint, and as rank 0 sends it to the others. */
    @FuzzTest
    void beginning(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        Beginning beginning = ParserContract.parse(bytes.length, () -> Beginning.parse(text), GyreException.class);
        if (beginning != null) {
            assertThat(Beginning.parse(beginning.text())).isEqualTo(beginning);
        }
    }

    /** As it stands in a checkpoint, and as rank 0 sends it to the others. */
    @FuzzTest
    void localRanks(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        LocalRanks ranks = ParserContract.parse(bytes.length, () -> LocalRanks.parse(text), GyreException.class);
        if (ranks != null) {
            assertThat(LocalRanks.parse(ranks.text())).isEqualTo(ranks);
            assertThat(ranks.leads()).doesNotContain(0);
        }
    }

    /** As rank 0 sends it to the others. */
    @FuzzTest
    void verdict(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        EarlyStoppingVerdict verdict =
                ParserContract.parse(bytes.length, () -> EarlyStoppingVerdict.parse(text), GyreException.class);
        if (verdict != null) {
            assertThat(EarlyStoppingVerdict.parse(verdict.text())).isEqualTo(verdict);
        }
    }
}
