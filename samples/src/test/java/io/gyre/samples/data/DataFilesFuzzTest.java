package io.gyre.samples.data;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.gyre.testkit.ParserContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** Files of data sets. */
class DataFilesFuzzTest {

    /** A packed file expands up to a thousand times. */
    private static final int MOST_EXPANSION = 1_032;

    @TempDir
    static Path directory;

    @FuzzTest
    void idx(byte[] bytes) throws IOException {
        for (String name : new String[] {"images-idx3-ubyte", "images-idx3-ubyte.gz"}) {
            Path file = Files.write(directory.resolve(name), bytes);
            long most = name.endsWith(".gz") ? (long) bytes.length * MOST_EXPANSION : bytes.length;
            IdxFile images = ParserContract.parse(most, () -> IdxFile.images(file), BadDataException.class);
            if (images != null) {
                assertThat(images.at(images.count() * images.rows() * images.columns() - 1))
                        .isBetween(0, 255);
            }
            ParserContract.parse(most, () -> IdxFile.labels(file), BadDataException.class);
        }
    }

    @FuzzTest
    void cifar(byte[] bytes) throws IOException {
        Path folder = Files.createDirectories(directory.resolve("cifar"));
        Files.write(folder.resolve("data_batch_1.bin"), bytes);
        Files.write(folder.resolve("test_batch.bin"), bytes);
        ImageSet set = ParserContract.parse(bytes.length, () -> Cifar10.open(folder), BadDataException.class);
        if (set != null) {
            assertThat(set.train().label(set.train().size() - 1)).isBetween(0, 9);
        }
    }

    @FuzzTest
    void text(byte[] bytes) throws IOException {
        Path file = Files.write(directory.resolve("text"), bytes);
        Text text = ParserContract.parse(bytes.length, () -> Text.open(file), BadDataException.class);
        if (text != null) {
            assertThat(text.choices()).isBetween(2, 128);
            assertThat(text.heldOutExamples().size()).isPositive();
        }
    }

    @FuzzTest
    void image(byte[] bytes) throws IOException {
        Path file = Files.write(directory.resolve("image"), bytes);
        // A small file may be a large image: its bound is the heap, and not its length.
        long most = Runtime.getRuntime().maxMemory();
        ImageFile.Square square =
                ParserContract.parse(most, () -> ImageFile.middleSquare(file), BadDataException.class);
        if (square != null) {
            assertThat(square.colours()).hasSize(square.side() * square.side());
        }
    }
}
