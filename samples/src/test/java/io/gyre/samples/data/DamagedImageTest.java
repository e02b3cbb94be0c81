package io.gyre.samples.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whatever is wrong with an image, the error names the file, unless the damaged file is still a valid image. */
class DamagedImageTest {

    private static final int ROUNDS = 800;

    /** The header is at the beginning: damage there is worse. */
    private static final int HEADER_BYTES = 64;

    private static final int BMP_PIXELS_AT = 10;

    /** Offset of the name of a PNG's first chunk; the image size is in it, and its checksum follows. */
    private static final int PNG_HEADER = 12;

    private static final int PNG_HEADER_BYTES = 17;
    private static final int PNG_WIDTH = 16;
    private static final int PNG_HEIGHT = 20;

    @TempDir
    Path directory;

    @ParameterizedTest
    @CsvSource({"png, 3", "jpg, 3", "gif, 3", "bmp, 3", "png, 1", "bmp, 1"})
    void damageInRandomPlacesIsNamedOrLeavesAnImage(String format, int channels) throws IOException {
        byte[] whole = encode(format, channels == 1 ? indexed() : coloured());
        Path file = directory.resolve("damaged." + format);
        long seed = 20_261_129L + channels;
        Random random = new Random(seed);
        int refused = 0;
        for (int round = 0; round < ROUNDS; round++) {
            byte[] damaged = damage(whole, random);
            Files.write(file, damaged);
            try {
                ImageFile.Square square = ImageFile.middleSquare(file);
                assertThat(square.colours()).hasSize(square.side() * square.side());
            } catch (BadDataException e) {
                refused++;
                assertThat(e).hasMessageStartingWith("cannot read the image " + file + ": ");
            } catch (RuntimeException | Error e) {
                throw new AssertionError("seed " + seed + ", round " + round + ": " + Arrays.toString(damaged), e);
            }
        }
        assertThat(refused).as("images that were refused").isGreaterThan(ROUNDS / 20);
    }

    /** Flips, overwrites or truncates in one to four places, every other time in the header. */
    private static byte[] damage(byte[] whole, Random random) {
        byte[] damaged = whole.clone();
        int places = 1 + random.nextInt(4);
        for (int i = 0; i < places; i++) {
            int range = random.nextBoolean() ? Math.min(HEADER_BYTES, damaged.length) : damaged.length;
            int place = random.nextInt(Math.max(1, range));
            switch (random.nextInt(4)) {
                case 0 -> damaged[place] ^= (byte) (1 << random.nextInt(8));
                case 1 -> damaged[place] = (byte) random.nextInt();
                case 2 ->
                    Arrays.fill(damaged, place, Math.min(damaged.length, place + 4), (byte)
                            (random.nextBoolean() ? 0xFF : 0));
                default -> {
                    if (random.nextInt(8) == 0) {
                        damaged = Arrays.copyOf(damaged, Math.max(1, place));
                    }
                }
            }
        }
        return damaged;
    }

    /** The palette's length follows from a header field; the JDK's decoder allocates what it says. */
    @Test
    void aPaletteOfNegativeLengthIsNamed() throws IOException {
        Path file = directory.resolve("negative.bmp");
        byte[] bmp = encode("bmp", indexed());
        ByteBuffer.wrap(bmp).order(ByteOrder.LITTLE_ENDIAN).putInt(BMP_PIXELS_AT, -1_000_000);
        Files.write(file, bmp);

        assertThatThrownBy(() -> ImageFile.middleSquare(file))
                .isInstanceOf(BadDataException.class)
                .hasMessageStartingWith("cannot read the image " + file + ": ")
                .hasMessageEndingWith("Repair it, or take it out of its folder.");
    }

    @Test
    void aClaimThatFillsTheMemoryIsRefusedBeforeItIsAllocated() throws IOException {
        int side = (int) Math.sqrt(Math.min(Runtime.getRuntime().maxMemory() / 16.0, 200e6)) + 100;
        Path file = directory.resolve("large.png");
        byte[] png = encode("png", coloured());
        ByteBuffer.wrap(png).putInt(PNG_WIDTH, side).putInt(PNG_HEIGHT, side);
        CRC32 checksum = new CRC32();
        checksum.update(png, PNG_HEADER, PNG_HEADER_BYTES);
        ByteBuffer.wrap(png).putInt(PNG_HEADER + PNG_HEADER_BYTES, (int) checksum.getValue());
        Files.write(file, png);

        assertThatThrownBy(() -> ImageFile.middleSquare(file))
                .isInstanceOf(BadDataException.class)
                .hasMessageContainingAll(file.toString(), "pixels")
                .hasNoCause();
    }

    @Test
    void aFileThatIsNotThereIsNotCalledDamaged() {
        Path file = directory.resolve("gone.png");

        assertThatThrownBy(() -> ImageFile.middleSquare(file))
                .isInstanceOf(BadDataException.class)
                .hasMessage("cannot read the image " + file + ": NoSuchFileException");
    }

    private static byte[] encode(String format, BufferedImage image) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        assertThat(ImageIO.write(image, format, bytes)).isTrue();
        return bytes.toByteArray();
    }

    private static BufferedImage coloured() {
        return painted(new BufferedImage(16, 16, BufferedImage.TYPE_INT_RGB));
    }

    private static BufferedImage indexed() {
        byte[] palette = {0, 50, 100, (byte) 200};
        return painted(new BufferedImage(
                16, 16, BufferedImage.TYPE_BYTE_INDEXED, new IndexColorModel(8, 4, palette, palette, palette)));
    }

    private static BufferedImage painted(BufferedImage image) {
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                image.setRGB(x, y, 0xFF000000 | (x << 20) | (y << 12) | ((x ^ y) << 4));
            }
        }
        return image;
    }
}
