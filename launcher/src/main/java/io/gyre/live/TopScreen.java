package io.gyre.live;

import io.gyre.runs.RunRecord;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What {@code gyre top} shows, as lines of text. Confined to one thread. */
final class TopScreen {

    private static final int LOG_LINES = 8;
    private static final int MEMBERSHIP_LINES = 4;
    private static final int STALL_LINES = 12;
    private static final int CURVE = 48;
    private static final int LATEST_COLUMNS = 10;
    private static final double SILENT_SECONDS = 5;
    private static final List<String> CURVES =
            List.of("loss", "examples_per_second", "accuracy", "bits_per_character", "exchange_ms", "exposed_ms");

    private final Map<String, List<Double>> curves = new LinkedHashMap<>();
    private final Map<String, Double> latest = new LinkedHashMap<>();
    private final Deque<String> log = new ArrayDeque<>();
    private final Deque<String> membership = new ArrayDeque<>();
    private RunView.@Nullable News news;

    /** Takes what has changed. */
    void add(RunView.News changed) {
        news = changed;
        if (changed.anew()) {
            curves.clear();
            latest.clear();
        }
        for (Map<String, Object> line : changed.metrics()) {
            line.forEach((name, value) -> {
                double number = ((Number) value).doubleValue();
                latest.put(name, number);
                curves.computeIfAbsent(name, any -> new ArrayList<>()).add(number);
            });
        }
        addLast(changed.log(), log, LOG_LINES);
        addLast(changed.membership(), membership, MEMBERSHIP_LINES);
    }

    private static void addLast(List<String> lines, Deque<String> to, int most) {
        for (String line : lines) {
            to.addLast(line);
            if (to.size() > most) {
                to.removeFirst();
            }
        }
    }

    /** The whole screen, cut to the terminal's size. */
    List<String> lines(TerminalSize size) {
        List<String> lines = new ArrayList<>();
        RunView.News now = news;
        if (now != null) {
            head(now, lines);
            curves(lines);
            ranks(now.ranks(), lines);
            stalls(now.ranks(), lines);
            for (Deque<String> last : List.of(membership, log)) {
                if (!last.isEmpty()) {
                    lines.add("");
                    lines.addAll(last);
                }
            }
        }
        List<String> fitting =
                lines.stream().map(line -> size.fit(printable(line))).toList();
        return size.rows() > 0 && fitting.size() >= size.rows() ? fitting.subList(0, size.rows() - 1) : fitting;
    }

    /** A log may hold what a terminal would obey. */
    private static String printable(String line) {
        return line.replace("\t", "    ").replaceAll("\\p{Cntrl}", "?");
    }

    private void head(RunView.News now, List<String> lines) {
        RunRecord record = now.record();
        lines.add("run          %s  %s".formatted(now.directory(), now.state() == null ? "?" : now.state()));
        if (record != null && record.failure() != null) {
            lines.add("failed       " + record.failure());
        }
        if (now.problem() != null) {
            lines.add("problem      " + now.problem());
        }
        if (latest.containsKey("step")) {
            lines.add("step         %,.0f, epoch %.0f, %s"
                    .formatted(
                            latest.get("step"),
                            latest.getOrDefault("epoch", 0.0),
                            clock(latest.getOrDefault("seconds", 0.0))));
        }
    }

    private static String clock(double seconds) {
        Duration time = Duration.ofMillis((long) (seconds * 1e3));
        return "%d:%02d:%02d".formatted(time.toHours(), time.toMinutesPart(), time.toSecondsPart());
    }

    private void curves(List<String> lines) {
        for (String name : CURVES) {
            List<Double> values = curves.get(name);
            if (values != null) {
                lines.add("%-20s %12s  %s"
                        .formatted(name, number(values.get(values.size() - 1)), Sparkline.of(values, CURVE)));
            }
        }
    }

    private static String number(double value) {
        return Math.abs(value) >= 1_000 ? "%,.0f".formatted(value) : "%.5g".formatted(value);
    }

    private static void ranks(List<RunView.Rank> ranks, List<String> lines) {
        if (ranks.isEmpty()) {
            return;
        }
        lines.add("");
        lines.add("rank  host             pid       step  phase     waited  for   now");
        for (RunView.Rank rank : ranks) {
            RankState state = rank.state();
            RankHistory.Column column = latest(state.history());
            lines.add("%4d  %-12.12s %8d %10s  %-8s %6.0f%%  %-4s  %s"
                    .formatted(
                            state.rank(),
                            state.host(),
                            state.pid(),
                            state.step() < 0 ? "-" : "%,d".formatted(state.step()),
                            state.phase().isEmpty() ? "-" : state.phase(),
                            100 * column.waited(),
                            column.awaited() < 0 ? "-" : column.awaited(),
                            now(rank)));
        }
    }

    /** Some seconds, until now. */
    private static RankHistory.Column latest(List<RankHistory.Column> history) {
        return history.stream()
                .skip(Math.max(0, history.size() - LATEST_COLUMNS))
                .reduce(RankHistory.Column::and)
                .orElse(new RankHistory.Column(0, 0, 0, -1, 0, 0, -1));
    }

    private static String now(RunView.Rank rank) {
        RankState state = rank.state();
        RankState.Wait wait = state.waiting();
        if (state.failure() != null) {
            return "failed: " + state.failure();
        }
        if (state.ended()) {
            return "ended";
        }
        if (rank.silentSeconds() > SILENT_SECONDS) {
            return "silent for %.0f s: its process is stopped or lost".formatted(rank.silentSeconds());
        }
        if (wait == null) {
            return "";
        }
        String whom = wait.rank() < 0 ? "others" : "rank " + wait.rank();
        return String.format(Locale.ROOT, "waits for %s in %s, %.1f s", whom, wait.operation(), wait.seconds());
    }

    private static void stalls(List<RunView.Rank> ranks, List<String> lines) {
        for (RunView.Rank rank : ranks) {
            RankState.Stall stall = rank.state().stall();
            if (stall != null && !stall.over()) {
                lines.add("");
                stall.report().lines().limit(STALL_LINES).forEach(lines::add);
            }
        }
    }
}
