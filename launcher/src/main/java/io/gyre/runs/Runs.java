package io.gyre.runs;

import io.gyre.launcher.ReportFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The runs of a directory.
 *
 * @param parent where the run directories are
 */
public record Runs(Path parent) {

    /** Metrics of which less is better; of all others, more. */
    private static final List<String> LESS_IS_BETTER =
            List.of("loss", "loss_first", "loss_last", "bits_per_character", "seconds", "exchange_ms", "exposed_ms");

    /**
     * A run as others see it.
     *
     * @param record null if it cannot be read
     * @param problem why it cannot; null if it can
     * @param metrics figures by name: of the result, and of the last lines of the curves
     */
    public record Seen(
            RunFiles files,
            @Nullable RunRecord record,
            @Nullable String problem,
            RunState state,
            Map<String, Double> metrics) {

        /** The figure; empty if it has none of that name. */
        public OptionalDouble metric(String name) {
            Double value = metrics.get(name);
            return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
        }
    }

    /** All runs, by name. Directories without a record are left out; damaged ones are there, with their problem. */
    public List<Seen> all() throws IOException {
        List<Path> directories = new ArrayList<>();
        if (Files.isDirectory(parent)) {
            try (Stream<Path> entries = Files.list(parent)) {
                entries.filter(path -> new RunFiles(path).exist()).sorted().forEach(directories::add);
            }
        }
        List<Seen> seen = new ArrayList<>();
        for (Path directory : directories) {
            seen.add(see(new RunFiles(directory)));
        }
        return seen;
    }

    /**
     * The directory that a user means: a run of this directory by its name, or any by its path.
     *
     * @throws BadRunException if there is none
     */
    public RunFiles named(String name) {
        Path inside = parent.resolve(name);
        Path path = Files.isDirectory(inside) ? inside : Path.of(name);
        if (!Files.isDirectory(path)) {
            throw new BadRunException(
                    "there is no run '" + name + "' in " + parent + ", and no directory of that name");
        }
        return new RunFiles(path);
    }

    /** Looks at one run; a damaged one is seen with its problem. */
    public static Seen see(RunFiles files) throws IOException {
        try {
            RunRecord record = RunRecord.read(files);
            Map<String, Double> metrics = new LinkedHashMap<>();
            for (MetricsFile.Line line : MetricsFile.lines(files.metrics())) {
                metrics.putAll(line.values());
            }
            record.result().forEach((name, value) -> {
                if (value instanceof Number number) {
                    metrics.put(name, number.doubleValue());
                }
            });
            return new Seen(files, record, null, state(files, record), metrics);
        } catch (BadRunException e) {
            return new Seen(files, null, e.getMessage(), RunState.KILLED, Map.of());
        }
    }

    /** How a run is: what its record says, and whether a process works on it. */
    public static RunState state(RunFiles files, RunRecord record) throws IOException {
        boolean killed = record.state() == RunState.RUNNING && !RunLock.isHeld(files.lock());
        return killed ? RunState.KILLED : record.state();
    }

    /**
     * The best first; those without the metric last.
     *
     * @throws IllegalArgumentException if no run has the metric, with those that there are
     */
    public static List<Seen> sorted(List<Seen> runs, String metric) {
        if (runs.stream().noneMatch(run -> run.metric(metric).isPresent())) {
            throw new IllegalArgumentException("--sort " + metric + ": no run has it; they have "
                    + String.join(
                            ", ",
                            runs.stream()
                                    .flatMap(run -> run.metrics().keySet().stream())
                                    .distinct()
                                    .sorted()
                                    .toList()));
        }
        double sign = isLessBetter(metric) ? 1 : -1;
        return runs.stream()
                .sorted(Comparator.comparingDouble(run -> {
                    OptionalDouble value = run.metric(metric);
                    return value.isPresent() && !Double.isNaN(value.getAsDouble())
                            ? sign * value.getAsDouble()
                            : Double.POSITIVE_INFINITY;
                }))
                .toList();
    }

    /** Whether less is better of a metric; of all others, more. */
    public static boolean isLessBetter(String metric) {
        return LESS_IS_BETTER.contains(metric);
    }

    /**
     * Removes a run, with all that it has left.
     *
     * @throws BadRunException if it is under way, or the directory is not that of a run
     */
    public static void remove(RunFiles files) throws IOException {
        if (!files.exist()) {
            RunRecord.read(files);
        }
        RunLock lock = RunLock.take(files.lock());
        if (lock == null) {
            throw new BadRunException(
                    "run " + files.directory() + " is under way (" + RunLock.holder(files.lock()) + "): end it first");
        }
        try (lock) {
            RunDirectories.remove(files.directory());
        }
    }

    /** Runs as JSON: an array of their records, states and metrics. */
    static String json(List<Seen> runs) {
        List<Map<String, Object>> all = new ArrayList<>();
        for (Seen run : runs) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("directory", run.files().directory().toString());
            entry.put("state", run.state());
            entry.put("problem", run.problem());
            entry.put("metrics", run.metrics());
            entry.put("record", run.record());
            all.add(entry);
        }
        return ReportFile.json(all);
    }
}
