package io.gyre.samples.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Cifar10Test {

    private static final int RECORD = 3073;

    @TempDir
    Path directory;

    @Test
    void readsImagesOfAllFilesInOrder() throws IOException {
        write("data_batch_1.bin", 4, 0);
        write("data_batch_2.bin", 3, 5);
        write("test_batch.bin", 2, 8);

        ImageSet set = DataDirectory.open(directory, 64);

        assertThat(set.shape()).isEqualTo(new ImageShape(3, 32, 32));
        assertThat(set.train().size()).isEqualTo(7);
        assertThat(set.heldOut().size()).isEqualTo(2);
        assertThat(IntStream.of(0, 3, 4, 6).map(set.train()::label)).containsExactly(0, 3, 5, 7);
        assertThat(set.heldOut().label(1)).isEqualTo(9);
        assertThat(set.classes()).startsWith("airplane").endsWith("truck");
    }

    @Test
    void coloursAreScaledToMeanZeroAndDeviationOne() throws IOException {
        byte[] record = new byte[RECORD];
        Arrays.fill(record, 1, 1 + 1024, (byte) 255);
        Files.write(directory.resolve("data_batch_1.bin"), record);
        Files.write(directory.resolve("test_batch.bin"), record);
        float[] values = new float[3072];

        DataDirectory.open(directory, 32).train().read(0, values, 0);

        assertThat(values[0]).isCloseTo((1 - 0.4914f) / 0.2470f, within(1e-6f));
        assertThat(values[1023]).isEqualTo(values[0]);
        assertThat(values[1024]).isCloseTo(-0.4822f / 0.2435f, within(1e-6f));
        assertThat(values[2048]).isCloseTo(-0.4465f / 0.2616f, within(1e-6f));
    }

    @Test
    void aTruncatedFileIsNamed() throws IOException {
        Files.write(directory.resolve("data_batch_1.bin"), new byte[RECORD + 100]);
        write("test_batch.bin", 2, 0);

        assertThatThrownBy(() -> DataDirectory.open(directory, 32))
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining(directory.resolve("data_batch_1.bin") + " is damaged: it has 3173 bytes")
                .hasMessageContaining("expected a multiple of 3073");
    }

    @Test
    void anEmptyFileIsNamed() throws IOException {
        write("data_batch_1.bin", 2, 0);
        Files.createFile(directory.resolve("test_batch.bin"));

        assertThatThrownBy(() -> DataDirectory.open(directory, 32))
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining("test_batch.bin is damaged: it has 0 bytes");
    }

    @Test
    void aClassThatDoesNotExistIsNamed() throws IOException {
        byte[] bytes = new byte[3 * RECORD];
        bytes[2 * RECORD] = (byte) 200;
        Files.write(directory.resolve("data_batch_1.bin"), bytes);
        write("test_batch.bin", 2, 0);

        assertThatThrownBy(() -> DataDirectory.open(directory, 32))
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining("data_batch_1.bin is damaged: image 2 has class 200, expected 0 to 9");
    }

    @Test
    void aMissingTestFileIsNamed() throws IOException {
        write("data_batch_1.bin", 2, 0);

        assertThatThrownBy(() -> DataDirectory.open(directory, 32))
                .isInstanceOf(BadDataException.class)
                .hasMessage(directory + " lacks test_batch.bin beside its data_batch_*.bin");
    }

    private void write(String name, int images, int firstLabel) throws IOException {
        byte[] bytes = new byte[images * RECORD];
        for (int image = 0; image < images; image++) {
            bytes[image * RECORD] = (byte) (firstLabel + image);
        }
        Files.write(directory.resolve(name), bytes);
    }
}
