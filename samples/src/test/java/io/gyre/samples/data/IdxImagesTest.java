package io.gyre.samples.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IdxImagesTest {

    private static final int IMAGE_MAGIC = 0x0803;
    private static final int LABEL_MAGIC = 0x0801;

    @TempDir
    Path directory;

    @ParameterizedTest(name = "names with \"{0}\" and \"{1}\"")
    @CsvSource({"-,''", "-,.gz", ".,''", ".,.gz"})
    void readsTheMnistLayoutInAllItsSpellings(String separator, String packed) throws IOException {
        write("train-images" + separator + "idx3-ubyte" + packed, images(30, 4, 5));
        write("train-labels" + separator + "idx1-ubyte" + packed, labels(30));
        write("t10k-images" + separator + "idx3-ubyte" + packed, images(10, 4, 5));
        write("t10k-labels" + separator + "idx1-ubyte" + packed, labels(10));

        ImageSet set = DataDirectory.open(directory, 28);

        assertThat(set.shape()).isEqualTo(new ImageShape(1, 4, 5));
        assertThat(set.train().size()).isEqualTo(30);
        assertThat(set.heldOut().size()).isEqualTo(10);
        assertThat(set.classes()).containsExactly("0", "1", "2", "3", "4", "5", "6", "7", "8", "9");
        assertThat(set.train().label(27)).isEqualTo(7);
        float[] values = new float[20];
        set.train().read(2, values, 0);
        // Bytes count up through the file: image 2 begins with 40.
        assertThat(values).startsWith(40 / 255f, 41 / 255f).endsWith(59 / 255f);
    }

    @Test
    void whatTakesMoreThanHalfOfTheHeapIsRefused() {
        HeapRoom.check("large", "images", Runtime.getRuntime().maxMemory() / 2);
        assertThatThrownBy(() -> HeapRoom.check("large", "7 images", Long.MAX_VALUE))
                .isInstanceOf(BadDataException.class)
                .hasMessageStartingWith("cannot read large: 7 images take 8796093022207 MiB, more than half");
    }

    @Test
    void holdsOutTheLastFifthOfASinglePair() throws IOException {
        write("images-idx3-ubyte.gz", images(23, 2, 2));
        write("labels-idx1-ubyte.gz", labels(23));

        ImageSet set = DataDirectory.open(directory, 28);

        assertThat(set.train().size()).isEqualTo(19);
        assertThat(set.heldOut().size()).isEqualTo(4);
        assertThat(set.train().label(18)).isEqualTo(8);
        assertThat(set.heldOut().label(0)).isEqualTo(9);
    }

    @Test
    void bytesAreUnsigned() throws IOException {
        byte[] images = images(5, 1, 1);
        images[16] = (byte) 255;
        write("images-idx3-ubyte", images);
        write("labels-idx1-ubyte", labels(5));
        float[] value = new float[1];

        DataDirectory.open(directory, 28).train().read(0, value, 0);

        assertThat(value[0]).isEqualTo(1f);
    }

    @Test
    void aFileOfAnotherKindIsNamed() throws IOException {
        write("images-idx3-ubyte", labels(23));
        write("labels-idx1-ubyte", labels(23));

        assertThatThrownBy(this::open)
                .isInstanceOf(BadDataException.class)
                .hasMessage(directory.resolve("images-idx3-ubyte")
                        + " is no IDX file of images: it begins with 0x00000801, expected 0x00000803");
    }

    @Test
    void aTruncatedFileSaysHowMuchIsMissing() throws IOException {
        byte[] images = images(23, 2, 2);
        write("images-idx3-ubyte", Arrays.copyOf(images, images.length - 7));
        write("labels-idx1-ubyte", labels(23));

        assertThatThrownBy(this::open)
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining("images-idx3-ubyte is cut off")
                .hasMessageContaining("23 images of 2x2, 92 bytes, and 85 follow");
    }

    @Test
    void aTruncatedHeaderIsNamed() throws IOException {
        write("images-idx3-ubyte", new byte[] {0, 0, 8, 3, 0, 0});
        write("labels-idx1-ubyte", labels(23));

        assertThatThrownBy(this::open).isInstanceOf(BadDataException.class).hasMessageContaining("is cut off");
    }

    @Test
    void bytesBeyondTheAnnouncedOnesAreAnError() throws IOException {
        byte[] images = images(23, 2, 2);
        write("images-idx3-ubyte", Arrays.copyOf(images, images.length + 1));
        write("labels-idx1-ubyte", labels(23));

        assertThatThrownBy(this::open)
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining("more than the 92 bytes follow that its header announces, 23 images of 2x2");
    }

    @ParameterizedTest(name = "{0} images of {1}x{2}")
    @CsvSource({"0,2,2", "-1,2,2", "5,0,2", "5,2,-2147483648", "2147483647,2147483647,2147483647", "65536,256,256"})
    void aHeaderThatCannotBeTrueIsRefusedBeforeMemoryIsTaken(int count, int rows, int columns) throws IOException {
        write("images-idx3-ubyte", header(IMAGE_MAGIC, count, rows, columns));
        write("labels-idx1-ubyte", labels(5));

        assertThatThrownBy(this::open)
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining("its header announces " + count + " images of " + rows + "x" + columns);
    }

    @Test
    void aHeaderThatAsksForGigabytesOfAShortFileTakesNoMemory() throws IOException {
        write("images-idx3-ubyte.gz", header(IMAGE_MAGIC, 65535, 128, 255));
        write("labels-idx1-ubyte", labels(5));

        assertThatThrownBy(this::open).isInstanceOf(BadDataException.class).hasMessageContaining("and 0 follow");
    }

    @Test
    void aTruncatedCompressedFileIsNamed() throws IOException {
        byte[] packed = gzip(images(2000, 8, 8));
        Files.write(directory.resolve("images-idx3-ubyte.gz"), Arrays.copyOf(packed, packed.length / 2));
        write("labels-idx1-ubyte", labels(2000));

        assertThatThrownBy(this::open)
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining("images-idx3-ubyte.gz is cut off");
    }

    @Test
    void aFileThatOnlyClaimsToBeCompressedIsNamed() throws IOException {
        Files.write(directory.resolve("images-idx3-ubyte.gz"), images(23, 2, 2));
        write("labels-idx1-ubyte", labels(23));

        assertThatThrownBy(this::open)
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining("cannot read " + directory.resolve("images-idx3-ubyte.gz"))
                .hasMessageContaining("GZIP");
    }

    @Test
    void aFlippedByteInACompressedFileIsFound() throws IOException {
        byte[] packed = gzip(images(2000, 8, 8));
        packed[packed.length - 6] ^= 1;
        Files.write(directory.resolve("images-idx3-ubyte.gz"), packed);
        write("labels-idx1-ubyte", labels(2000));

        assertThatThrownBy(this::open)
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining(directory.resolve("images-idx3-ubyte.gz").toString());
    }

    @Test
    void numbersOfImagesAndLabelsMustAgree() throws IOException {
        write("images-idx3-ubyte", images(23, 2, 2));
        write("labels-idx1-ubyte", labels(22));

        assertThatThrownBy(this::open)
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining("images-idx3-ubyte has 23 images")
                .hasMessageContaining("labels-idx1-ubyte has 22 labels");
    }

    @Test
    void aMissingFileIsNamed() throws IOException {
        write("train-images-idx3-ubyte", images(23, 2, 2));
        write("train-labels-idx1-ubyte", labels(23));

        assertThatThrownBy(this::open)
                .isInstanceOf(BadDataException.class)
                .hasMessage(directory
                        + " lacks t10k-images-idx3-ubyte (or t10k-images-idx3-ubyte.gz) beside its other files");
    }

    @Test
    void partsOfDifferentShapesAreAnError() throws IOException {
        write("train-images-idx3-ubyte", images(23, 2, 2));
        write("train-labels-idx1-ubyte", labels(23));
        write("t10k-images-idx3-ubyte", images(5, 2, 3));
        write("t10k-labels-idx1-ubyte", labels(5));

        assertThatThrownBy(this::open)
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining("images of 1x2x2")
                .hasMessageContaining("1x2x3: expected the same");
    }

    @Test
    void tooFewImagesToHoldAnyOutAreAnError() throws IOException {
        write("images-idx3-ubyte", images(4, 2, 2));
        write("labels-idx1-ubyte", labels(4));

        assertThatThrownBy(this::open)
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining("has 4 images: at least 5 are needed");
    }

    private ImageSet open() {
        return DataDirectory.open(directory, 28);
    }

    private void write(String name, byte[] bytes) throws IOException {
        UnaryOperator<byte[]> packing = name.endsWith(".gz") ? IdxImagesTest::gzip : UnaryOperator.identity();
        Files.write(directory.resolve(name), packing.apply(bytes));
    }

    private static byte[] gzip(byte[] bytes) {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return packed.toByteArray();
    }

    /** Pixels count up, from 0, through the whole file. */
    private static byte[] images(int count, int rows, int columns) {
        ByteBuffer file = ByteBuffer.allocate(16 + count * rows * columns);
        file.put(header(IMAGE_MAGIC, count, rows, columns));
        for (int i = 0; file.hasRemaining(); i++) {
            file.put((byte) i);
        }
        return file.array();
    }

    /** Labels count up, from 0 to 9, and again. */
    private static byte[] labels(int count) {
        ByteBuffer file = ByteBuffer.allocate(8 + count);
        file.put(header(LABEL_MAGIC, count));
        for (int i = 0; i < count; i++) {
            file.put((byte) (i % 10));
        }
        return file.array();
    }

    private static byte[] header(int... numbers) {
        ByteBuffer header = ByteBuffer.allocate(numbers.length * Integer.BYTES);
        Arrays.stream(numbers).forEach(header::putInt);
        return header.array();
    }
}
