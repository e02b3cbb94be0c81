package io.gyre.runs;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.gyre.launcher.ReportFile;
import io.gyre.launcher.Shell;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a reader of a trained model wants to know: data, quality, cost, and how to repeat it. After Mitchell et al.,
 * <i>Model Cards for Model Reporting</i>, FAT* 2019; what a program cannot know, such as the intended use, is not here.
 *
 * @param name of the run
 * @param state how it ended
 * @param parent the run that it was forked from; null if it began with a new model
 * @param setup see {@link RunRecord#setup}
 * @param result see {@link RunRecord#result}
 * @param steps optimiser steps of all attempts that ended in order
 * @param examples of all ranks, in these steps; 0 if they are not known
 * @param seconds of these steps
 * @param joules used meanwhile by the processors of rank 0's host, all its programs included; null if it does not tell
 * @param hosts by rank
 * @param versions of Gyre and of what it ran on
 * @param reproduce command that repeats the run; null for a program that Gyre did not start
 * @param losses whether there is a plot of the loss
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record ModelCard(
        String name,
        RunState state,
        @Nullable RunParent parent,
        Map<String, Object> setup,
        Map<String, Object> result,
        long steps,
        long examples,
        double seconds,
        @Nullable Double joules,
        List<String> hosts,
        List<String> versions,
        @Nullable String reproduce,
        List<LossPlot.Point> losses) {

    /** The card of a run, from what it left. */
    public static ModelCard of(RunRecord run, List<MetricsFile.Line> curves) {
        List<RunRecord.Attempt> done = run.attempts().stream()
                .filter(attempt -> attempt.steps() != null)
                .toList();
        boolean tellsEnergy = !done.isEmpty() && done.stream().allMatch(attempt -> attempt.joules() != null);
        return new ModelCard(
                run.name(),
                run.state(),
                run.parent(),
                run.setup(),
                run.result(),
                done.stream()
                        .mapToLong(attempt -> Objects.requireNonNullElse(attempt.steps(), 0L))
                        .sum(),
                done.stream()
                        .mapToLong(attempt -> Objects.requireNonNullElse(attempt.examples(), 0L))
                        .sum(),
                done.stream()
                        .mapToDouble(attempt -> Objects.requireNonNullElse(attempt.seconds(), 0.0))
                        .sum(),
                tellsEnergy
                        ? done.stream()
                                .mapToDouble(attempt -> Objects.requireNonNullElse(attempt.joules(), 0.0))
                                .sum()
                        : null,
                run.hosts(),
                run.versions(),
                run.arguments().isEmpty() ? null : "gyre " + Shell.line(run.arguments()),
                curves.stream()
                        .filter(line -> line.values().containsKey("loss"))
                        .map(line ->
                                new LossPlot.Point(line.step(), line.values().getOrDefault("loss", Double.NaN)))
                        .toList());
    }

    /** Writes the card as Markdown and JSON, and its plot, into the run's directory. */
    public void write(RunFiles files) throws IOException {
        DurableFile.write(files.cardJson(), ReportFile.json(this));
        if (!losses.isEmpty()) {
            DurableFile.write(files.plot(), LossPlot.of("Loss of " + name, losses));
        }
        DurableFile.write(files.card(), markdown());
    }

    /** The card as Markdown. */
    public String markdown() {
        List<String> lines = new ArrayList<>();
        lines.add("# Model card: " + name);
        lines.add("");
        if (parent != null) {
            lines.add("Forked from `" + parent.run() + "` at step " + count(parent.step()) + ".");
            lines.add("");
        }
        lines.add("| | |");
        lines.add("|---|---|");
        rows().forEach((what, value) -> lines.add("| " + what + " | " + value.replace("|", "\\|") + " |"));
        if (!losses.isEmpty()) {
            lines.add("");
            lines.add("![Loss over steps](loss.svg)");
        }
        lines.add("");
        lines.add("## How to reproduce");
        lines.add("");
        lines.add(reproduce == null ? "By its own program, with this setup:" : "```sh\n" + reproduce + "\n```");
        lines.add("");
        setup.keySet().stream()
                .sorted()
                .forEach(key -> lines.add("- " + key.replace('_', ' ') + ": " + setup.get(key)));
        versions.forEach(version -> lines.add("- " + version));
        return String.join("\n", lines) + "\n";
    }

    private Map<String, String> rows() {
        Map<String, String> rows = new LinkedHashMap<>();
        row(rows, "Model", setup.get("model"));
        row(rows, "Data", setup.get("data"));
        row(rows, "State", state);
        number("accuracy").ifPresent(value -> row(rows, "Accuracy, held out", text("%.4f", value)));
        number("bits_per_character").ifPresent(value -> row(rows, "Bits per character, held out", text("%.4f", value)));
        number("loss_last").ifPresent(value -> row(rows, "Loss of the last step", text("%.4f", value)));
        row(rows, "Epochs", result.get("epoch"));
        if (state != RunState.COMPLETE && !losses.isEmpty()) {
            // What an attempt that did not end in order has done is in no sum.
            row(rows, "Last step seen", count(losses.get(losses.size() - 1).step()));
        }
        if (steps > 0) {
            row(rows, "Steps", count(steps));
        }
        // The program of a run with seats does not know them.
        if (examples > 0) {
            row(rows, "Examples", count(examples));
        }
        if (seconds > 0) {
            row(rows, "Examples per second", examples == 0 ? null : text("%,.0f", examples / seconds));
            row(rows, "Time of the steps", text("%.1f s", seconds));
        }
        row(rows, "Batch", setup.get("batch") == null ? null : setup.get("batch") + " per rank");
        row(rows, "Precision", setup.get("precision"));
        row(rows, "Ranks", hosts.size() + " on " + hosts.stream().distinct().toList());
        row(
                rows,
                "Energy",
                joules == null
                        ? "the host does not tell"
                        : text("%.0f J by the processors of %s, all its programs included", joules, hosts.get(0)));
        return rows;
    }

    private static void row(Map<String, String> rows, String what, @Nullable Object value) {
        if (value != null) {
            rows.put(what, value.toString());
        }
    }

    private Optional<Double> number(String key) {
        return result.get(key) instanceof Number number ? Optional.of(number.doubleValue()) : Optional.empty();
    }

    private static String count(long number) {
        return text("%,d", number);
    }

    private static String text(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}
