package io.gyre.queue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.runs.RunFiles;
import io.gyre.runs.Runs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;

/**
 * What a sweep tries: the file that a user has written, checked.
 *
 * @param name of the sweep, and of its directory
 * @param command words after {@code gyre} that all configurations share
 * @param configurations each with the values of its options, by the option's name
 * @param metric by which they are compared
 * @param lessIsBetter whether a smaller value is better
 * @param rungs steps after which they are compared, ascending; the last is that of a whole run
 * @param eta one of this many goes on to the next rung
 */
record SweepFile(
        String name,
        List<String> command,
        List<Map<String, String>> configurations,
        String metric,
        boolean lessIsBetter,
        List<Long> rungs,
        int eta) {

    private static final List<String> KEYS =
            List.of("name", "command", "parameters", "metric", "mode", "first_steps", "last_steps", "eta");

    private static final List<String> METRICS =
            List.of("accuracy", "loss", "bits_per_character", "examples_per_second", "seconds");

    /** What the sweep itself says. */
    private static final Set<String> OWN =
            Set.of("--steps", "--epochs", "--run-dir", "--name", "--no-run-dir", "--resume", "--from");

    private static final int MOST_CONFIGURATIONS = 10_000;
    private static final int MOST_ETA = 1_000;

    /**
     * Reads a file.
     *
     * @param root command line that knows the file's command
     * @throws IllegalArgumentException with the file, the key, its value and what is expected
     */
    static SweepFile read(Path file, CommandSpec root) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new IllegalArgumentException("there is no sweep file " + file);
        }
        try {
            return new Reader(new ObjectMapper().readTree(Files.readString(file)), root).sweep();
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(file + " is not JSON: " + e.getOriginalMessage(), e);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    private record Reader(JsonNode tree, CommandSpec root) {

        SweepFile sweep() {
            if (!tree.isObject()) {
                throw new IllegalArgumentException("expected a JSON object with " + String.join(", ", KEYS));
            }
            tree.fieldNames().forEachRemaining(key -> {
                if (!KEYS.contains(key)) {
                    throw new IllegalArgumentException("key '" + key + "' is unknown" + Nearest.hint(key, KEYS));
                }
            });
            String name = text("name");
            RunFiles.checkName("name", name);
            List<String> command = command();
            String metric = text("metric");
            if (!METRICS.contains(metric)) {
                throw new IllegalArgumentException("metric '" + metric + "' is unknown: expected one of "
                        + String.join(", ", METRICS) + Nearest.hint(metric, METRICS));
            }
            long first = number("first_steps", Integer.MAX_VALUE);
            long last = number("last_steps", Integer.MAX_VALUE);
            int eta = (int) number("eta", MOST_ETA);
            if (eta < 2 || first > last) {
                throw new IllegalArgumentException(
                        eta < 2
                                ? "eta " + eta + ": expected 2 or more"
                                : "first_steps " + first + " is more than last_steps " + last);
            }
            List<Map<String, String>> configurations = configurations(command);
            return new SweepFile(
                    name, command, configurations, metric, lessIsBetter(metric), rungs(first, last, eta), eta);
        }

        private String text(String key) {
            JsonNode value = tree.path(key);
            if (!value.isTextual()) {
                throw new IllegalArgumentException(key + (value.isMissingNode() ? " is missing" : " is not a text"));
            }
            return value.asText();
        }

        private long number(String key, long most) {
            JsonNode value = tree.path(key);
            if (!value.isIntegralNumber() || value.asLong() < 1 || value.asLong() > most) {
                throw new IllegalArgumentException(
                        key + (value.isMissingNode() ? " is missing" : " " + value) + ": expected 1 to " + most);
            }
            return value.asLong();
        }

        private boolean lessIsBetter(String metric) {
            JsonNode mode = tree.path("mode");
            if (mode.isMissingNode()) {
                return Runs.isLessBetter(metric);
            }
            if (!mode.asText().equals("min") && !mode.asText().equals("max")) {
                throw new IllegalArgumentException("mode " + mode + ": expected \"min\" or \"max\"");
            }
            return mode.asText().equals("min");
        }

        private List<String> command() {
            List<String> words = new ArrayList<>();
            tree.path("command").forEach(word -> words.add(word.asText()));
            if (words.isEmpty()) {
                throw new IllegalArgumentException(
                        "command: expected words, such as [\"train\", \"lenet\", \"-n\", \"1\"]");
            }
            CommandSpec command = JobWords.command(root, words);
            if (!JobWords.keepsRuns(command)) {
                throw new IllegalArgumentException(
                        "command " + words.get(0) + " keeps no runs, so that none can go on");
            }
            JobWords.apart(command, words.subList(1, words.size()))
                    .options()
                    .keySet()
                    .forEach(Reader::checkNotOwn);
            return List.copyOf(words);
        }

        private static void checkNotOwn(String option) {
            if (OWN.contains(option)) {
                throw new IllegalArgumentException(option + ": the sweep itself says how long runs are, and where");
            }
        }

        private List<Map<String, String>> configurations(List<String> words) {
            CommandSpec command = JobWords.command(root, words);
            JsonNode parameters = tree.path("parameters");
            if (!parameters.isObject() || parameters.isEmpty()) {
                throw new IllegalArgumentException("parameters: expected options with their values");
            }
            List<Map<String, String>> all = List.of(Map.of());
            for (Map.Entry<String, JsonNode> parameter : parameters.properties()) {
                String option = parameter.getKey();
                if (command.findOption(option) == null) {
                    throw new IllegalArgumentException("parameters: " + command.name() + " has no option '" + option
                            + "'" + Nearest.hint(option, JobWords.optionNames(command)));
                }
                checkNotOwn(option);
                List<Map<String, String>> more = new ArrayList<>();
                for (Map<String, String> one : all) {
                    for (String value : SweepValues.of(option, parameter.getValue())) {
                        Map<String, String> longer = new LinkedHashMap<>(one);
                        longer.put(option, value);
                        more.add(longer);
                    }
                    if (more.size() > MOST_CONFIGURATIONS) {
                        throw new IllegalArgumentException("more than " + MOST_CONFIGURATIONS + " configurations");
                    }
                }
                all = more;
            }
            for (Map<String, String> configuration : all) {
                JobWords.apart(command, configuredWords(words.subList(1, words.size()), configuration));
            }
            return List.copyOf(all);
        }
    }

    private static List<Long> rungs(long first, long last, int eta) {
        List<Long> rungs = new ArrayList<>();
        for (long steps = first; steps < last; steps *= eta) {
            rungs.add(steps);
        }
        rungs.add(last);
        return List.copyOf(rungs);
    }

    private static List<String> configuredWords(List<String> words, Map<String, String> configuration) {
        List<String> all = new ArrayList<>(words);
        configuration.forEach((option, value) -> all.addAll(List.of(option, value)));
        return all;
    }

    /** The words of a configuration that train it to a rung in its own run directory, from where it is. */
    List<String> words(int configuration, int rung, Path run) {
        List<String> words = new ArrayList<>(configuredWords(command, configurations.get(configuration)));
        words.addAll(List.of("--steps", String.valueOf(rungs.get(rung)), "--run-dir", run.toString(), "--resume"));
        return words;
    }

    /** The name of a configuration's run. */
    String runName(int configuration) {
        StringBuilder text = new StringBuilder("%03d".formatted(configuration));
        configurations
                .get(configuration)
                .forEach((option, value) -> text.append(option.replaceFirst("^--", "-"))
                        .append('-')
                        .append(value.replaceAll("[^A-Za-z0-9._-]", "-")));
        return text.substring(0, Math.min(100, text.length()));
    }
}
