package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.aeron.Publication;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class AeronNodeTest {

    private static final int TERM_BYTES = 1 << 20;

    @TempDir
    Path directory;

    /** Writing to a sparse log would allocate its pages, and on a full disk that kills the process by SIGBUS. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void aLogHasAllItsMemoryFromTheBeginning() throws Exception {
        Path driver = directory.resolve("aeron");
        try (AeronNode node = new AeronNode(driver, TERM_BYTES, null, null, AeronNodeTest::fail, "test");
                Publication publication = node.locked(() -> node.client().addPublication("aeron:ipc", 1))) {
            List<Path> logs = logs(driver);

            assertThat(publication.termBufferLength()).isEqualTo(TERM_BYTES);
            assertThat(logs).hasSize(1);
            assertThat(allocated(logs.get(0)))
                    .as("bytes on the disk")
                    .isGreaterThanOrEqualTo(Files.size(logs.get(0)))
                    .isGreaterThan(3 * TERM_BYTES);
        }
    }

    private static void fail(Throwable fault) {
        throw new AssertionError(fault);
    }

    private static List<Path> logs(Path driver) throws IOException {
        try (Stream<Path> files = Files.walk(driver)) {
            return files.filter(file -> file.toString().endsWith(".logbuffer")).toList();
        }
    }

    /** Only a system program reports how many blocks a file has. */
    private static long allocated(Path file) throws IOException, InterruptedException {
        Process stat = new ProcessBuilder("stat", "-c", "%b %B", file.toString()).start();
        String[] answer = new String(stat.getInputStream().readAllBytes(), StandardCharsets.US_ASCII)
                .strip()
                .split(" ", -1);
        assertThat(stat.waitFor()).isZero();
        return Long.parseLong(answer[0]) * Long.parseLong(answer[1]);
    }
}
