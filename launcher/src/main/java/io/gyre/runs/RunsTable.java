package io.gyre.runs;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** Runs as a table for people. */
public final class RunsTable {

    private static final List<String> HEAD =
            List.of("run", "state", "model", "step", "loss", "accuracy", "examples/s", "from");

    private RunsTable() {}

    /**
     * Draws.
     *
     * @param metric a further column; null for none
     */
    public static String of(List<Runs.Seen> runs, @Nullable String metric) {
        List<List<String>> rows = new ArrayList<>();
        List<String> head = new ArrayList<>(HEAD);
        boolean more = metric != null
                && !List.of("step", "loss", "accuracy", "examples_per_second").contains(metric);
        if (more && metric != null) {
            head.add(metric);
        }
        rows.add(head);
        for (Runs.Seen run : runs) {
            RunRecord record = run.record();
            if (record == null) {
                rows.add(List.of(run.files().name(), "unreadable: " + run.problem()));
                continue;
            }
            RunParent parent = record.parent();
            List<String> row = new ArrayList<>(List.of(
                    record.name(),
                    run.state().toString(),
                    String.valueOf(record.setup().getOrDefault("model", "")),
                    number(run.metric("step"), "%,.0f"),
                    number(run.metric("loss"), "%.4f"),
                    number(run.metric("accuracy"), "%.4f"),
                    number(run.metric("examples_per_second"), "%,.0f"),
                    parent == null ? "" : parent.run() + "@" + parent.step()));
            if (more && metric != null) {
                row.add(number(run.metric(metric), "%.4g"));
            }
            rows.add(row);
        }
        return TextTable.of(rows);
    }

    private static String number(OptionalDouble value, String format) {
        return value.isPresent() ? String.format(Locale.ROOT, format, value.getAsDouble()) : "";
    }
}
