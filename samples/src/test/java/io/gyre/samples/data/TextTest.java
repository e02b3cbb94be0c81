package io.gyre.samples.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

class TextTest {

    private static final String WORDS = "one two three. ".repeat(300);

    @TempDir
    Path directory;

    @Test
    void everyCharacterIsFollowedByTheNext() {
        Text text = Text.of("words", WORDS);

        MultiDataSet batch = text.examples().load(new int[] {3, 0});

        INDArray features = batch.getFeatures(0).argMax(1);
        INDArray labels = batch.getLabels(0).argMax(1);
        assertThat(batch.getFeatures(0).shape()).containsExactly(2, text.choices(), Text.LENGTH);
        assertThat(batch.getFeatures(0).sumNumber().intValue()).isEqualTo(2 * Text.LENGTH);
        for (int time = 0; time < Text.LENGTH - 1; time++) {
            assertThat(labels.getInt(1, time)).isEqualTo(features.getInt(1, time + 1));
        }
        // Sequence 3 begins where sequence 2 ended.
        INDArray before = text.examples().load(new int[] {2}).getLabels(0).argMax(1);
        assertThat(features.getInt(0, 0)).isEqualTo(before.getInt(0, Text.LENGTH - 1));
    }

    @Test
    void theLastTenthIsHeldOut() {
        Text text = Text.of("words", WORDS);

        assertThat(text.examples().size()).isEqualTo(20);
        assertThat(text.heldOutExamples().size()).isEqualTo(2);
        assertThat(text.input()).isEqualTo(InputType.recurrent(text.choices()));
        INDArray lastOfAll = text.examples().load(new int[] {19}).getLabels(0).argMax(1);
        INDArray firstHeldOut =
                text.heldOutExamples().load(new int[] {0}).getFeatures(0).argMax(1);
        assertThat(firstHeldOut.getInt(0, 0)).isEqualTo(lastOfAll.getInt(0, Text.LENGTH - 1));
    }

    @Test
    void rareCharactersShareOnePlace() {
        String rare = IntStream.range(0, 300)
                .mapToObj(i -> String.valueOf((char) (0x4e00 + i)))
                .collect(Collectors.joining());

        Text text = Text.of("words", WORDS + rare);

        assertThat(text.choices()).isEqualTo(128);
        assertThat(Text.of("words", WORDS).choices()).isEqualTo("one twhr.".length() + 1);
    }

    @Test
    void aDirectorysTextsAreReadByName() throws IOException {
        Files.createDirectory(directory.resolve("c"));
        Files.writeString(directory.resolve("c/more.txt"), "c".repeat(1500));
        Files.writeString(directory.resolve("a.md"), "a".repeat(1500));
        Files.writeString(directory.resolve("b.bin"), "b".repeat(1500));

        INDArray all = Text.open(directory)
                .examples()
                .load(IntStream.range(0, 13).toArray())
                .getFeatures(0)
                .argMax(1)
                .castTo(DataType.INT32);

        assertThat(all.ravel().toIntVector())
                .startsWith(0, 0, 0)
                .endsWith(1, 1, 1)
                .containsOnly(0, 1);
    }

    @Test
    void whatIsNoTextIsRejected() throws IOException {
        Path latin =
                Files.write(directory.resolve("latin"), "\u00e9".repeat(9000).getBytes(StandardCharsets.ISO_8859_1));
        Path little = Files.writeString(directory.resolve("little"), "a".repeat(2000));

        assertThatThrownBy(() -> Text.open(directory.resolve("none")))
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining("none: name a text with --data");
        assertThatThrownBy(() -> Text.open(latin))
                .isInstanceOf(BadDataException.class)
                .hasMessage(latin + " is no text in UTF-8");
        assertThatThrownBy(() -> Text.open(little))
                .isInstanceOf(BadDataException.class)
                .hasMessageContaining("has 2000 characters: at least 2001 are needed");
    }

    @Test
    void bitsAreTheLogarithmOfTheProbabilityOfWhatCame() {
        INDArray labels = Nd4j.createFromArray(new float[][][] {{{1, 0}, {0, 1}}});
        INDArray half = Nd4j.createFromArray(new float[][][] {{{0.5f, 0.875f}, {0.5f, 0.125f}}});
        BitsPerCharacter bits = new BitsPerCharacter();

        bits.eval(labels, half);

        assertThat(bits.mean()).isCloseTo(2, within(1e-12));
        BitsPerCharacter sure = new BitsPerCharacter();
        sure.eval(labels, labels);
        sure.merge(BitsPerCharacter.fromJson(bits.toJson(), BitsPerCharacter.class));
        assertThat(sure.mean()).isCloseTo(1, within(1e-12));
    }

    @Test
    void whatIsMaskedDoesNotCount() {
        INDArray labels = Nd4j.createFromArray(new float[][][] {{{1, 0}, {0, 1}}});
        INDArray half = Nd4j.createFromArray(new float[][][] {{{0.5f, 0.875f}, {0.5f, 0.125f}}});
        BitsPerCharacter bits = new BitsPerCharacter();

        bits.eval(labels, half, Nd4j.createFromArray(new double[][] {{0, 1}}));

        assertThat(bits.mean()).isCloseTo(3, within(1e-12));
    }
}
