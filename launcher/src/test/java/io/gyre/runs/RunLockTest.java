package io.gyre.runs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunLockTest {

    @TempDir
    private Path directory;

    @Test
    void oneAtATimeHasItAndWhoAsksDoesNotTakeItAway() throws IOException {
        Path file = directory.resolve("lock");
        assertThat(RunLock.isHeld(file)).isFalse();

        try (RunLock lock = RunLock.take(file)) {
            assertThat(lock).isNotNull();
            assertThat(RunLock.isHeld(file)).isTrue();
            assertThat(RunLock.holder(file)).isEqualTo("this process");
            assertThat(RunLock.take(file)).isNull();
            assertThat(RunLock.isHeld(directory.resolve(".").resolve("lock"))).isTrue();
        }

        assertThat(RunLock.isHeld(file)).isFalse();
        assertThat(RunLock.holder(file))
                .startsWith("process " + ProcessHandle.current().pid() + " on ");
    }

    @Test
    void itCanBeClosedTwiceAndTakenAgain() throws IOException {
        Path file = directory.resolve("lock");
        RunLock first = RunLock.take(file);
        assertThat(first).isNotNull();
        first.close();
        RunLock second = RunLock.take(file);
        first.close();

        assertThat(second).isNotNull();
        assertThat(RunLock.isHeld(file)).isTrue();
        second.close();
    }
}
