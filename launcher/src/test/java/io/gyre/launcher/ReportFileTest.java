package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportFileTest {

    @TempDir
    private Path directory;

    @Test
    void itIsReplacedAndNothingIsLeftBesideIt() throws IOException {
        Path file = Files.writeString(directory.resolve("r.json"), "old, and much longer than the new one");

        new ReportFile(file).write("new");

        assertThat(file).hasContent("new");
        assertThat(directory).isDirectoryContaining(file::equals);
        assertThat(directory.toFile().list()).containsExactly("r.json");
    }

    @Test
    void oneThatCannotBeWrittenIsNamedBeforehand() {
        ReportFile file = new ReportFile(directory.resolve("none").resolve("r.json"));

        assertThatThrownBy(file::check)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("there is no directory " + directory.resolve("none"));
    }
}
