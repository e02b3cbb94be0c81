package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.testkit.RankJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Only processes show whether the lock works: the system grants its locks to processes, not to threads. */
@Timeout(120)
class UserLockTest {

    private static final int PROCESSES = 3;

    private static final int TIMES = 100;

    @TempDir
    Path parent;

    @TempDir
    Path outputs;

    @Test
    void processesTakeTurns() throws Exception {
        Files.writeString(counter(parent), "0");
        List<RankJvm> processes = new ArrayList<>();
        try {
            for (int i = 0; i < PROCESSES; i++) {
                processes.add(RankJvm.start(
                        outputs, RankJvm.QUICK_START, Map.of(), CountingProgram.class, parent.toString()));
            }
            for (RankJvm process : processes) {
                assertThat(process.awaitExit(Duration.ofMinutes(1)))
                        .as(process.output())
                        .isZero();
            }
        } finally {
            processes.forEach(RankJvm::close);
        }

        assertThat(Files.readString(counter(parent))).isEqualTo(String.valueOf(PROCESSES * TIMES));
        assertThat(new UserLock(parent).home()).doesNotExist();
    }

    private static Path counter(Path parent) {
        return parent.resolve("counter");
    }

    /**
     * Increments a number in a file many times, in a way that loses increments if another process does it meanwhile.
     */
    static final class CountingProgram {

        public static void main(String[] arguments) throws IOException {
            Path parent = Path.of(arguments[0]);
            UserLock lock = new UserLock(parent);
            for (int i = 0; i < TIMES; i++) {
                lock.exclusively(() -> {
                    int before = Integer.parseInt(Files.readString(counter(parent)));
                    return Files.writeString(counter(parent), String.valueOf(before + 1));
                });
            }
        }
    }
}
