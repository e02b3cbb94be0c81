package io.gyre.queue;

import io.gyre.launcher.Shell;
import io.gyre.runs.TextTable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Jobs for people, and for programs. */
final class JobsTable {

    private static final List<String> HEAD =
            List.of("job", "name", "state", "priority", "starts", "time", "needs", "command");

    private JobsTable() {}

    static String of(List<JobQueue.Seen> jobs) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(HEAD);
        for (JobQueue.Seen seen : jobs) {
            Job job = seen.job();
            JobProgress progress = seen.progress();
            if (job == null || progress == null) {
                rows.add(List.of("", "unreadable: " + seen.problem()));
                continue;
            }
            rows.add(List.of(
                    String.valueOf(job.id()),
                    job.name(),
                    seen.state().toString(),
                    String.valueOf(job.priority()),
                    String.valueOf(progress.starts()),
                    Quantity.clock(progress.usedAt(System.currentTimeMillis())),
                    job.needs().toString(),
                    Shell.line(job.words())));
        }
        return TextTable.of(rows);
    }

    /** As JSON has it. */
    static Map<String, Object> entry(JobQueue.Seen seen) {
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("directory", seen.files().directory().toString());
        if (seen.problem() != null) {
            entry.put("problem", seen.problem());
            return entry;
        }
        entry.put("state", seen.state());
        entry.put("job", Objects.requireNonNull(seen.job()));
        entry.put("progress", Objects.requireNonNull(seen.progress()));
        entry.put("log", seen.files().log().toString());
        return entry;
    }
}
