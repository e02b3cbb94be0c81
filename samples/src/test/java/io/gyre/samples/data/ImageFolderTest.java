package io.gyre.samples.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageFolderTest {

    private static final int RED = 0xFF0000;
    private static final int BLUE = 0x0000FF;

    @TempDir
    Path directory;

    @Test
    void classesAreTheFoldersInTheOrderOfTheirNames() throws IOException {
        for (int i = 0; i < 10; i++) {
            write("zebra/" + i + ".png", plain(6, 6, RED));
            write("ant/" + i + ".jpg", plain(6, 6, BLUE));
        }

        ImageSet set = DataDirectory.open(directory, 4);

        assertThat(set.classes()).containsExactly("ant", "zebra");
        assertThat(set.shape()).isEqualTo(new ImageShape(3, 4, 4));
        assertThat(set.train().size()).isEqualTo(16);
        assertThat(set.heldOut().size()).isEqualTo(4);
        assertThat(set.train().label(0)).isZero();
        assertThat(set.train().label(15)).isEqualTo(1);
        assertThat(red(set.train(), 15, 4)).containsOnly((1 - 0.485f) / 0.229f);
    }

    @Test
    void anImageIsCutToItsMiddleSquareAndShrunkToMeans() throws IOException {
        fill(2, 5);
        BufferedImage image = plain(8, 4, BLUE);
        for (int x = 2; x < 6; x++) {
            image.setRGB(x, 0, RED);
        }
        write("class0/0.png", image);

        float[] red = red(DataDirectory.open(directory, 2).train(), 0, 2);

        // Of the middle square, the upper row of four is red: half of each of the upper two pixels.
        assertThat(red[0]).isCloseTo((0.5f - 0.485f) / 0.229f, within(1e-6f));
        assertThat(red[1]).isEqualTo(red[0]);
        assertThat(red[2]).isCloseTo(-0.485f / 0.229f, within(1e-6f));
    }

    @Test
    void aSmallImageIsEnlarged() throws IOException {
        fill(2, 5);

        float[] red = red(DataDirectory.open(directory, 7).train(), 0, 7);

        assertThat(red).hasSize(49).containsOnly((1 - 0.485f) / 0.229f);
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "jpg", "gif", "bmp"})
    void anImageThatIsCutOffIsNamedWhenItIsRead(String ending) throws IOException {
        fill(2, 5);
        Path file = directory.resolve("class0/0a." + ending);
        write("class0/0a." + ending, plain(100, 100, BLUE));
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length * 3 / 4));
        Images train = DataDirectory.open(directory, 4).train();

        assertThatThrownBy(() -> red(train, 1, 4))
                .isInstanceOf(BadDataException.class)
                .hasMessageStartingWith("cannot read the image " + file)
                .hasMessageContaining("Repair it, or take it out of its folder");
    }

    @Test
    void textInAnImagesPlaceIsNamed() throws IOException {
        fill(2, 5);
        Path file = directory.resolve("class0/0.png");
        Files.writeString(file, "not found");
        Images train = DataDirectory.open(directory, 4).train();

        assertThatThrownBy(() -> red(train, 0, 4))
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining(file + ": its content is no .png, .jpg");
    }

    @Test
    void otherFilesAndHiddenFoldersAreLeftOut() throws IOException {
        fill(2, 5);
        Files.writeString(directory.resolve("class0/notes.txt"), "");
        Files.writeString(directory.resolve("readme.md"), "");
        Files.createDirectory(directory.resolve(".cache"));

        ImageSet set = DataDirectory.open(directory, 4);

        assertThat(set.classes()).containsExactly("class0", "class1");
        assertThat(set.train().size() + set.heldOut().size()).isEqualTo(10);
    }

    @Test
    void anEmptyClassIsNamed() throws IOException {
        fill(2, 5);
        Files.createDirectory(directory.resolve("empty"));

        assertThatThrownBy(() -> DataDirectory.open(directory, 4))
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining(directory.resolve("empty") + " has no image");
    }

    @Test
    void aSingleClassIsAnError() throws IOException {
        fill(1, 5);

        assertThatThrownBy(() -> DataDirectory.open(directory, 4))
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining("two classes or more");
    }

    private void fill(int classes, int imagesPerClass) throws IOException {
        for (int label = 0; label < classes; label++) {
            for (int i = 0; i < imagesPerClass; i++) {
                write("class" + label + "/" + i + ".png", plain(3, 3, RED));
            }
        }
    }

    private void write(String name, BufferedImage image) throws IOException {
        Path file = directory.resolve(name);
        Files.createDirectories(file.getParent());
        assertThat(ImageIO.write(image, name.substring(name.indexOf('.') + 1), file.toFile()))
                .isTrue();
    }

    private static BufferedImage plain(int width, int height, int colour) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                image.setRGB(x, y, colour);
            }
        }
        return image;
    }

    private static float[] red(Images images, int index, int pixels) {
        float[] values = new float[3 * pixels * pixels];
        images.read(index, values, 0);
        return Arrays.copyOf(values, pixels * pixels);
    }
}
