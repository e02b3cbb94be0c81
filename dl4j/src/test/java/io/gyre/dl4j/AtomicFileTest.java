package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {

    private static final String FORCE = "jdk.FileForce";
    private static final String WRITE = "jdk.FileWrite";

    @TempDir
    Path directory;

    /** Checked in the JVM's own event records: no test can see the difference while the machine is running. */
    @Test
    void theContentIsOnTheDiskBeforeItsNameAndThenTheName() throws IOException {
        Path target = directory.resolve("file");
        Path unfinished = directory.resolve("file.part");
        Path records = directory.resolve("records.jfr");
        try (Recording recording = new Recording()) {
            recording.enable(FORCE).withThreshold(Duration.ZERO);
            recording.enable(WRITE).withThreshold(Duration.ZERO);
            recording.start();
            AtomicFile.write(target, unfinished, channel -> channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3})));
            recording.stop();
            recording.dump(records);
        }

        List<RecordedEvent> events = RecordingFile.readAllEvents(records).stream()
                .filter(event -> event.getString("path").startsWith(directory.toString()))
                .sorted((a, b) -> a.getStartTime().compareTo(b.getStartTime()))
                .toList();
        assertThat(events).extracting(event -> event.getEventType().getName()).containsExactly(WRITE, FORCE, FORCE);
        assertThat(events.get(1).getString("path")).isEqualTo(unfinished.toString());
        assertThat(events.get(1).getBoolean("metaData")).isTrue();
        assertThat(Path.of(events.get(2).getString("path")).normalize()).isEqualTo(directory);
        assertThat(target).hasBinaryContent(new byte[] {1, 2, 3});
        assertThat(unfinished).doesNotExist();
    }

    @Test
    void aBodyThatFailsLeavesWhatWasThere() throws IOException {
        Path target = Files.writeString(directory.resolve("file"), "before");
        Path unfinished = directory.resolve("file.part");

        assertThatThrownBy(() -> AtomicFile.write(target, unfinished, channel -> {
                    throw new IOException("full");
                }))
                .hasMessage("full");

        assertThat(target).hasContent("before");
        assertThat(unfinished).doesNotExist();
    }
}
