package io.gyre.samples.data;

import io.gyre.dl4j.ExampleSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A text, cut into sequences of {@link #LENGTH} characters. A model is given each character of a sequence and predicts
 * the next: features and labels have the shape {@code [batch, alphabet, LENGTH]}, one-hot. The last tenth is held out.
 *
 * <p>The alphabet is the text's own: its most frequent characters, and one place for all others.
 */
public final class Text implements SampleData {

    /** Characters of a sequence. */
    public static final int LENGTH = 200;

    private static final int MOST_CHARACTERS = 128;
    private static final int HELD_OUT_ONE_IN = 10;

    /** Of memory, on the way from a file's byte to a number. */
    private static final int BYTES_PER_BYTE = 16;

    private final String name;
    private final int[] characters;
    private final int alphabet;

    private Text(String name, String text) {
        this.name = name;
        List<Integer> frequent = mostFrequent(text);
        Map<Integer, Integer> places = new HashMap<>();
        frequent.forEach(character -> places.put(character, places.size()));
        characters = text.chars()
                .map(character -> places.getOrDefault(character, places.size()))
                .toArray();
        alphabet = frequent.size() + 1;
        if (sequences() < HELD_OUT_ONE_IN) {
            throw new BadDataException(name + " has " + text.length() + " characters: at least "
                    + (HELD_OUT_ONE_IN * LENGTH + 1) + " are needed");
        }
    }

    private static List<Integer> mostFrequent(String text) {
        Map<Integer, Integer> counts = new HashMap<>();
        text.chars().forEach(character -> counts.merge(character, 1, Integer::sum));
        return counts.entrySet().stream()
                .sorted(Map.Entry.<Integer, Integer>comparingByValue()
                        .reversed()
                        .thenComparing(Map.Entry.comparingByKey()))
                .limit(MOST_CHARACTERS - 1)
                .map(Map.Entry::getKey)
                .toList();
    }

    /**
     * Reads a file in UTF-8, or all files of a directory and those below it whose names end in {@code .md} or
     * {@code .txt}, one after the other, by name.
     *
     * @throws BadDataException if there is no such text, it is too short, too large for this JVM, or not UTF-8
     */
    public static Text open(Path path) {
        if (!Files.exists(path)) {
            throw new BadDataException("there is no file or directory " + path + ": name a text with --data");
        }
        try (Stream<Path> all = Files.walk(path)) {
            List<Path> files = all.filter(Files::isRegularFile)
                    .filter(file -> file.equals(path) || isText(file))
                    .sorted()
                    .toList();
            StringBuilder text = new StringBuilder();
            for (Path file : files) {
                text.append(read(file, text.length()));
            }
            return new Text(path.toString(), text.toString());
        } catch (IOException e) {
            throw new BadDataException("cannot read " + path + ": " + e, e);
        }
    }

    /** A text that is given. */
    public static Text of(String name, String text) {
        return new Text(name, text);
    }

    private static boolean isText(Path file) {
        String name = file.toString();
        return name.endsWith(".md") || name.endsWith(".txt");
    }

    private static CharSequence read(Path file, long before) throws IOException {
        HeapRoom.check(file.toString(), "the texts up to its end", (before + Files.size(file)) * BYTES_PER_BYTE);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(Files.readAllBytes(file)));
        } catch (CharacterCodingException e) {
            throw new BadDataException(file + " is no text in UTF-8", e);
        }
    }

    private int sequences() {
        return (characters.length - 1) / LENGTH;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public InputType input() {
        return InputType.recurrent(alphabet);
    }

    @Override
    public int choices() {
        return alphabet;
    }

    @Override
    public ExampleSource examples() {
        int heldOut = sequences() / HELD_OUT_ONE_IN;
        return ExampleSource.of(sequences() - heldOut, indices -> load(0, indices));
    }

    @Override
    public ExampleSource heldOutExamples() {
        int heldOut = sequences() / HELD_OUT_ONE_IN;
        return ExampleSource.of(heldOut, indices -> load(sequences() - heldOut, indices));
    }

    private DataSet load(int first, int[] indices) {
        float[] features = new float[indices.length * alphabet * LENGTH];
        float[] labels = new float[features.length];
        for (int row = 0; row < indices.length; row++) {
            int begin = (first + indices[row]) * LENGTH;
            for (int time = 0; time < LENGTH; time++) {
                features[(row * alphabet + characters[begin + time]) * LENGTH + time] = 1;
                labels[(row * alphabet + characters[begin + time + 1]) * LENGTH + time] = 1;
            }
        }
        return new DataSet(
                Nd4j.createFromArray(features).reshape(indices.length, alphabet, LENGTH),
                Nd4j.createFromArray(labels).reshape(indices.length, alphabet, LENGTH));
    }
}
