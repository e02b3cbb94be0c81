package io.gyre.dl4j;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the losses, layers, vertices, evaluations and listeners that Deeplearning4j ships: {@code known-classes.tsv} has a
 * line for each, with a verdict that a test proves. Classes of others are trusted ({@code docs/training.md} says with what).
 */
final class KnownClasses {

    private static final String RESOURCE = "known-classes.tsv";
    private static final Pattern CLASS_IN_JSON = Pattern.compile("\"@class\"\\s*:\\s*\"([^\"]+)\"");
    private static final Map<String, Entry> ENTRIES = read();

    private KnownClasses() {}

    /** Whether several ranks do with a class what one process does. */
    enum Verdict {
        /** They do, within rounding. */
        EXACT,
        /** They do, but for what the note says. */
        EXACT_BUT,
        /** They do not, and the class is refused before anything starts. The note says why. */
        REFUSED
    }

    /**
     * A line of the table.
     *
     * @param note empty if the class is simply exact
     */
    record Entry(Verdict verdict, String note) {}

    /** All lines, by class name. */
    static Map<String, Entry> all() {
        return ENTRIES;
    }

    private static Map<String, Entry> read() {
        Map<String, Entry> entries = new LinkedHashMap<>();
        try (InputStream in = Objects.requireNonNull(KnownClasses.class.getResourceAsStream(RESOURCE), RESOURCE);
                BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] fields = line.split("\t", -1);
                entries.put(fields[0], new Entry(Verdict.valueOf(fields[1]), fields.length > 2 ? fields[2] : ""));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(RESOURCE, e);
        }
        return Map.copyOf(entries);
    }

    /** Why an object of this class is refused, whether it is listed itself or extends one that is; null if it is not. */
    static @Nullable String refusal(@Nullable Class<?> kind) {
        for (Class<?> type = kind; type != null; type = type.getSuperclass()) {
            Entry entry = ENTRIES.get(type.getName());
            if (kind != null && entry != null && entry.verdict() == Verdict.REFUSED) {
                return kind.getSimpleName() + ": " + entry.note();
            }
        }
        return null;
    }

    /**
     * Why a model is refused; null if it is not.
     *
     * @param configuration as JSON, which names the class of every loss, layer and vertex, however deeply one is wrapped
     */
    static @Nullable String refusal(String configuration) {
        Matcher classes = CLASS_IN_JSON.matcher(configuration);
        while (classes.find()) {
            String refusal = refusal(named(classes.group(1)));
            if (refusal != null) {
                return refusal;
            }
        }
        return null;
    }

    private static @Nullable Class<?> named(String name) {
        try {
            return Class.forName(name, false, Thread.currentThread().getContextClassLoader());
        } catch (ClassNotFoundException | LinkageError inAnotherLoader) {
            // A class of the user's: not one of these.
            return null;
        }
    }
}
