package io.gyre.launcher;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** A text with gaps: {@code ${name}} is where a value goes. A line that consists of an empty value is left out. */
final class Template {

    private static final Pattern GAP = Pattern.compile("\\$\\{([A-Za-z]+)\\}");

    private final String text;

    private Template(String text) {
        this.text = text;
    }

    /** One of those beside this class. */
    static Template named(String file) {
        try (InputStream in = Template.class.getResourceAsStream("templates/" + file)) {
            return new Template(new String(Objects.requireNonNull(in, file).readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException("template " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * Fills the gaps. A value of several lines takes the place of its line, which it must have for itself.
     *
     * @throws IllegalStateException if a gap has no value
     */
    String fill(Map<String, String> values) {
        return text.lines()
                .map(line -> {
                    String filled =
                            GAP.matcher(line).replaceAll(gap -> Matcher.quoteReplacement(value(gap.group(1), values)));
                    return filled.isBlank() && !line.isBlank() ? "" : filled + "\n";
                })
                .collect(Collectors.joining());
    }

    private static String value(String name, Map<String, String> values) {
        String value = values.get(name);
        if (value == null) {
            throw new IllegalStateException("a template has no value for " + name);
        }
        return value;
    }

    /** The text with so many spaces before each line, and no line end at its end. */
    static String indent(String text, int spaces) {
        return text.lines().map(line -> " ".repeat(spaces) + line).collect(Collectors.joining("\n"));
    }
}
