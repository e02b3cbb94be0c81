package io.gyre.launcher;

import io.gyre.launcher.HostSurvey.Answer;
import io.gyre.launcher.HostsCheckup.Result;
import io.gyre.startup.ClockDifference;
import io.gyre.startup.Figures;
import io.gyre.startup.HostFacts;
import io.gyre.startup.Link;
import io.gyre.startup.RankFacts;
import io.gyre.startup.StartupTable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the doctor has found on several hosts, as lines for people and as values for a report. */
final class HostTable {

    private static final long NANOS_PER_SECOND = 1_000_000_000;

    private final Result result;

    HostTable(Result result) {
        this.result = result;
    }

    /** All lines to print. */
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        List<List<String>> hosts = new ArrayList<>(List.of(List.of(
                "host",
                "rank",
                "Gyre",
                "Java",
                "cores",
                "threads",
                "memory free",
                "/dev/shm free",
                "load",
                "copies",
                "clock")));
        for (Answer answer : result.answers()) {
            HostFacts facts = answer.facts();
            if (facts != null) {
                hosts.add(row(answer.host(), facts));
            }
        }
        if (hosts.size() > 1) {
            lines.addAll(columns(hosts));
        }
        for (Answer answer : result.answers()) {
            if (answer.facts() == null) {
                lines.add("PROBLEM " + answer.host() + ": " + answer.problem());
            }
        }
        StartupTable table = result.table();
        if (table != null && !table.links().isEmpty()) {
            List<List<String>> links = new ArrayList<>(List.of(List.of("from", "to", "link", "delay", "rate")));
            for (Link link : table.links()) {
                links.add(List.of(
                        name(link.from()),
                        name(link.to()),
                        link.kind(),
                        Figures.time(link.delayNanos()),
                        Figures.rate(link.bytesPerSecond())));
            }
            lines.add("");
            lines.addAll(columns(links));
        }
        lines.add("");
        result.differences().forEach(line -> lines.add("HINT    " + line));
        if (!result.problem().isEmpty()) {
            lines.add("PROBLEM " + result.problem());
        }
        result.verdict().ifPresent(verdict -> lines.add("VERDICT " + verdict));
        return lines;
    }

    private String name(int rank) {
        return result.measured().get(rank);
    }

    private List<String> row(String host, HostFacts facts) {
        int rank = result.measured().indexOf(host);
        StartupTable table = result.table();
        String copies = "";
        String clock = "";
        if (table != null) {
            copies = table.ranks().stream()
                    .filter(found -> found.rank() == rank)
                    .map(found -> Figures.rate(found.speed().copiedBytesPerSecond()))
                    .findFirst()
                    .orElse("");
            clock = rank == 0
                    ? "the first"
                    : table.clockOf(rank).map(HostTable::clock).orElse("");
        }
        return List.of(
                host,
                String.valueOf(rank),
                facts.gyre(),
                facts.java(),
                String.valueOf(facts.cores()),
                String.valueOf(facts.threads()),
                Figures.memory(facts.availableBytes()) + " of " + Figures.memory(facts.memoryBytes()),
                Figures.memory(facts.sharedBytes()),
                facts.load() < 0 ? "unknown" : String.valueOf(Math.round(10 * facts.load()) / 10.0),
                copies,
                clock);
    }

    private static String clock(ClockDifference clock) {
        return Figures.time(clock.wallNanos()) + " +- " + Figures.time(clock.errorNanos());
    }

    /** Rows as lines, in which each column is as wide as its longest text. */
    private static List<String> columns(List<List<String>> rows) {
        int[] widths = new int[rows.get(0).size()];
        for (List<String> row : rows) {
            for (int column = 0; column < widths.length; column++) {
                widths[column] = Math.max(widths[column], row.get(column).length());
            }
        }
        List<String> lines = new ArrayList<>();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int column = 0; column < widths.length; column++) {
                String text = row.get(column);
                line.append(text).append(" ".repeat(widths[column] - text.length() + 2));
            }
            lines.add(line.toString().stripTrailing());
        }
        return lines;
    }

    /** The report, as objects of JSON. */
    Map<String, Object> report() {
        Map<String, Object> whole = new LinkedHashMap<>();
        whole.put("can_train", result.isGood());
        whole.put("hosts", result.answers().stream().map(this::host).toList());
        StartupTable table = result.table();
        whole.put(
                "links",
                table == null
                        ? List.of()
                        : table.links().stream().map(this::link).toList());
        whole.put("problem", result.problem());
        whole.put("differences", result.differences());
        whole.put("verdict", result.verdict().orElse(""));
        return whole;
    }

    private Map<String, Object> host(Answer answer) {
        Map<String, Object> host = new LinkedHashMap<>();
        host.put("host", answer.host());
        HostFacts facts = answer.facts();
        if (facts == null) {
            host.put("problem", answer.problem());
            return host;
        }
        host.put("gyre", facts.gyre());
        host.put("java", facts.java());
        host.put("cores", facts.cores());
        host.put("threads", facts.threads());
        host.put("memory_bytes", facts.memoryBytes());
        host.put("available_bytes", facts.availableBytes());
        host.put("shared_bytes", facts.sharedBytes());
        host.put("load", facts.load());
        int rank = result.measured().indexOf(answer.host());
        StartupTable table = result.table();
        if (table != null) {
            for (RankFacts found : table.ranks()) {
                if (found.rank() == rank) {
                    host.put("mixes_per_second", found.speed().mixesPerSecond());
                    host.put("copied_bytes_per_second", found.speed().copiedBytesPerSecond());
                }
            }
            table.clockOf(rank).ifPresent(clock -> {
                host.put("clock_ahead_seconds", clock.wallNanos() / (double) NANOS_PER_SECOND);
                host.put("clock_error_seconds", clock.errorNanos() / (double) NANOS_PER_SECOND);
            });
        }
        return host;
    }

    private Map<String, Object> link(Link link) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("from", name(link.from()));
        values.put("to", name(link.to()));
        values.put("kind", link.kind());
        values.put("delay_us", link.delayNanos() / 1e3);
        values.put("bytes_per_second", link.bytesPerSecond());
        return values;
    }
}
