package io.gyre.runs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventFileTest {

    /** Seconds since 1970 of these events; as a double in little-endian order, 00 00 00 00 65 CD CD 41. */
    private static final double TIME = 1_000_000_000;

    @TempDir
    private Path directory;

    /** The messages of a file, after their lengths and checksums were compared. */
    private List<String> messages() throws IOException {
        List<String> messages = new ArrayList<>();
        try (var files = Files.list(directory)) {
            ByteBuffer bytes = ByteBuffer.wrap(
                            Files.readAllBytes(files.findFirst().orElseThrow()))
                    .order(ByteOrder.LITTLE_ENDIAN);
            while (bytes.hasRemaining()) {
                byte[] length = new byte[8];
                bytes.get(length);
                assertThat(bytes.getInt()).isEqualTo(EventFile.maskedCrc(length));
                byte[] message = new byte
                        [Math.toIntExact(ByteBuffer.wrap(length)
                                .order(ByteOrder.LITTLE_ENDIAN)
                                .getLong())];
                bytes.get(message);
                assertThat(bytes.getInt()).isEqualTo(EventFile.maskedCrc(message));
                messages.add(HexFormat.of().formatHex(message));
            }
        }
        return messages;
    }

    /** CRC32C of "123456789" is e3069283, by RFC 3720; TensorFlow rotates it right by 15 bits and adds a282ead8. */
    @Test
    void checksumsAreMaskedAsTensorFlowMasksThem() {
        int rotated = (0xe3069283 >>> 15) | (0xe3069283 << 17);

        assertThat(EventFile.maskedCrc("123456789".getBytes(StandardCharsets.US_ASCII)))
                .isEqualTo(rotated + 0xa282ead8);
    }

    @Test
    void aScalarIsAnEventWithASummary() throws IOException {
        try (EventFile file = EventFile.create(directory, 0, () -> TIME)) {
            file.scalar("loss", 300, 0.5);
        }

        assertThat(directory.toFile().list()).containsExactly("events.out.tfevents.1000000000.0");
        String time = "0900000000" + "65cdcd41";
        assertThat(messages())
                .containsExactly(
                        time + "1000" + "1a0d" + hex("brain.Event:2"),
                        time + "10ac02" + "2a0d" + "0a0b" + "0a04" + hex("loss") + "15" + "0000003f");
    }

    @Test
    void aResumedRunSaysFromWhichStepOnEarlierFilesAreVoid() throws IOException {
        EventFile.create(directory, 7, () -> TIME).close();

        assertThat(messages()).hasSize(2).last().isEqualTo("0900000000" + "65cdcd41" + "1007" + "3a02" + "0801");
    }

    @Test
    void twoFilesOfASecondHaveTheirOwnNames() throws IOException {
        EventFile.create(directory, 0, () -> TIME).close();
        EventFile.create(directory, 0, () -> TIME).close();

        assertThat(directory.toFile().list()).hasSize(2);
    }

    private static String hex(String text) {
        return HexFormat.of().formatHex(text.getBytes(StandardCharsets.UTF_8));
    }
}
