package io.gyre.runs;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Curves of a run: a file with one JSON object a line, of {@code step}, {@code epoch}, {@code seconds} and some of
 * {@code loss}, {@code examples_per_second}, {@code accuracy}, {@code bits_per_character}, {@code exchange_ms} and
 * {@code exposed_ms}. Appended line by line; a line that a killed process has not finished is ignored.
 */
public final class MetricsFile implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String STEP = "step";

    private final FileChannel channel;

    private MetricsFile(FileChannel channel) {
        this.channel = channel;
    }

    /** A line, by name; numbers only. */
    public record Line(Map<String, Double> values) {

        public Line {
            values = Map.copyOf(values);
        }

        /** Number of steps done; 0 if it has none. */
        public long step() {
            return (long) (double) values.getOrDefault(STEP, 0.0);
        }
    }

    /**
     * Opens a file to append to, after removing the lines of steps that were lost: those after the step from which the
     * run continues.
     */
    static MetricsFile open(Path file, long firstStep) throws IOException {
        if (Files.exists(file)) {
            String kept = lines(file).stream()
                    .filter(line -> line.step() <= firstStep)
                    .map(line -> text(ordered(line)) + "\n")
                    .collect(Collectors.joining());
            DurableFile.write(file, kept);
        }
        return new MetricsFile(
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND));
    }

    private static Map<String, Object> ordered(Line line) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (String count : List.of(STEP, "epoch")) {
            if (line.values().containsKey(count)) {
                values.put(count, line.values().get(count).longValue());
            }
        }
        new TreeMap<>(line.values()).forEach(values::putIfAbsent);
        return values;
    }

    private static String text(Map<String, Object> values) {
        try {
            return JSON.writeValueAsString(values);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("numbers that are not JSON", e);
        }
    }

    /** Appends a line. What is not finite is left out: JSON has no word for it. */
    void append(long step, int epoch, double seconds, Map<String, Double> more) throws IOException {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put(STEP, step);
        values.put("epoch", epoch);
        values.put("seconds", seconds);
        more.forEach((name, value) -> {
            if (Double.isFinite(value)) {
                values.put(name, value);
            }
        });
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(text(values) + "\n");
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Reads all lines; none if there is no file. */
    public static List<Line> lines(Path file) throws IOException {
        List<Line> lines = new ArrayList<>();
        if (!Files.exists(file)) {
            return lines;
        }
        try (BufferedReader reader = Files.newBufferedReader(file)) {
            for (String text = reader.readLine(); text != null; text = reader.readLine()) {
                Line line = parse(text);
                if (line.values().containsKey(STEP)) {
                    lines.add(line);
                }
            }
        }
        return lines;
    }

    /** Empty for a line within which the process was killed. */
    private static Line parse(String text) {
        Map<String, Double> values = new LinkedHashMap<>();
        try {
            JSON.readTree(text).properties().forEach(entry -> {
                if (entry.getValue().isNumber()) {
                    values.put(entry.getKey(), entry.getValue().asDouble());
                }
            });
        } catch (JsonProcessingException unfinished) {
            return new Line(Map.of());
        }
        return new Line(values);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
