package io.gyre.samples.data;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataDirectoryTest {

    @TempDir
    Path directory;

    @Test
    void aMissingDirectoryIsNamed() {
        Path missing = directory.resolve("nowhere");

        assertThatThrownBy(() -> DataDirectory.open(missing, 28))
                .isInstanceOf(BadDataException.class)
                .hasMessage("there is no directory " + missing);
    }

    @Test
    void aFileInsteadOfADirectoryIsNamed() throws IOException {
        Path file = Files.createFile(directory.resolve("data.zip"));

        assertThatThrownBy(() -> DataDirectory.open(file, 28))
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining(file + " is a file");
    }

    @Test
    void aDirectoryOfSomethingElseSaysWhatIsExpected() throws IOException {
        Files.createFile(directory.resolve("data.zip"));

        assertThatThrownBy(() -> DataDirectory.open(directory, 28))
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining("train-images-idx3-ubyte")
                .hasMessageContaining("data_batch_1.bin")
                .hasMessageContaining("a folder of images for each class");
    }
}
