package io.gyre.transport;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.gyre.DisagreementException;
import io.gyre.Member;
import io.gyre.membership.RunId;
import io.gyre.testkit.ParserContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** Files that another process of this host has written. */
class SharedFilesFuzzTest {

    private static final Member OWNER = new Member(1, "host", 77);
    private static final int BOX_BYTES = 100;

    @TempDir
    static Path directory;

    @FuzzTest
    void attachBox(byte[] bytes) throws IOException {
        Path file = Files.write(directory.resolve("box"), bytes);
        ParserContract.parse(
                bytes.length,
                () -> {
                    BoxFile.Mapping mapping = new BoxFile(new RunId(3, 4), 1).attach(file, OWNER, "w", BOX_BYTES);
                    if (mapping != null) {
                        mapping.unmap();
                    }
                    return mapping;
                },
                IOException.class,
                DisagreementException.class);
    }

    @FuzzTest
    void readRendezvous(byte[] bytes) throws IOException {
        Path file = Files.write(directory.resolve("rendezvous"), bytes);
        ParserContract.parse(
                bytes.length,
                () -> {
                    RendezvousFile.Entry entry = new RendezvousFile(file).read();
                    return HostPort.parse(entry.endpoint());
                },
                IOException.class,
                IllegalArgumentException.class);
    }
}
