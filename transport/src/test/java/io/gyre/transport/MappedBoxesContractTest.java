package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.gyre.GyreException;
import io.gyre.local.LocalCluster;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.MemoryBoxes;
import io.gyre.testkit.MemoryBoxesContract;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MappedBoxesContractTest extends MemoryBoxesContract {

    @TempDir
    Path directory;

    @Override
    protected LocalCluster cluster(int ranks) {
        return AeronCluster.of(ranks, TransportMode.SHM, directory);
    }

    @ParameterizedTest
    @EnumSource(
            value = TransportMode.class,
            names = {"IPC", "UDP"})
    void modesWithoutBoxesShareWithNobody(TransportMode mode) throws Exception {
        AeronCluster.of(2, mode, directory).run(session -> {
            int own = session.world().rank();
            MemoryBoxes boxes = session.endpoint().boxes();
            assertThat(boxes.ranks()).containsExactly(own);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> boxes.attach(1 - own, "x", 8))
                    .withMessageContaining("rank " + (1 - own));
            session.exchange("the end", new byte[0]);
        });
    }

    @Test
    void noFileIsLeftWhenABoxIsClosed() throws Exception {
        cluster(1).run(session -> {
            MemoryBox box = session.endpoint().boxes().create("left over?", 10_000);
            assertThat(filesNamed("box-left-over-")).hasSize(1);
            box.close();
            assertThat(filesNamed("box-left-over-")).isEmpty();
        });
    }

    @Test
    void aFileThatIsNoBoxIsRefused() throws Exception {
        cluster(2).run(session -> {
            MemoryBoxes boxes = session.endpoint().boxes();
            if (session.world().rank() == 0) {
                try (MemoryBox box = boxes.create("damaged", 10_000)) {
                    Path file = filesNamed("box-damaged-").get(0);
                    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                        channel.truncate(100);
                    }
                    session.exchange("damage", new byte[0]);
                    session.exchange("the end of " + box.region().byteLength(), new byte[0]);
                }
            } else {
                session.exchange("damage", new byte[0]);
                assertThatExceptionOfType(GyreException.class)
                        .isThrownBy(() -> boxes.attach(0, "damaged", 10_000))
                        .withMessageContaining("damaged")
                        .withMessageContaining("rank 0");
                session.exchange("the end of 10000", new byte[0]);
            }
        });
    }

    @Test
    void aNameThatIsTooLongIsRefusedAndLeavesNothing() throws Exception {
        cluster(1).run(session -> {
            String name = "long-".repeat(2_000);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> session.endpoint().boxes().create(name, 8))
                    .withMessageContaining("longer than");
            assertThat(filesNamed("box-long-")).isEmpty();
        });
    }

    private static List<Path> filesNamed(String start) throws IOException {
        Path home = new UserLock(RunDirectory.sharedMemory()).home();
        try (Stream<Path> files = Files.walk(home)) {
            return files.filter(file -> file.getFileName().toString().startsWith(start))
                    .toList();
        }
    }
}
