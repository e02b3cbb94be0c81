package io.gyre.observe;

import io.gyre.GyreException;
import io.gyre.observe.TimelineEvents.Event;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Merges the parts of a {@link Timeline} into one file in the JSON object format of Chrome's traces, which Perfetto
 * reads: all ranks on rank 0's clock, each as a process, with {@link ClockOffsets the possible error} in its labels and
 * in {@code otherData}. Times are in microseconds from the first event.
 *
 * <p>Google: <i>Trace Event Format</i>.
 */
public final class TimelineMerge {

    private static final int PHASES = 1;
    private static final int BUCKETS = 2;
    private static final int COLLECTIONS = 3;

    /** Numbers of threads that wait follow. */
    private static final int WAITS = 100;

    private final List<TimelineEvents> parts;
    private final List<@Nullable ClockOffsets> clocks = new ArrayList<>();

    /** Threads that have a name, by rank. */
    private final Map<Integer, Set<Integer>> named = new TreeMap<>();

    private long firstNanos = Long.MAX_VALUE;
    private long events;

    /**
     * What was merged.
     *
     * @param errors possible error of each rank's times, in nanoseconds; ranks that are not there, or cannot be
     *     compared, are missing
     */
    public record Result(Path file, long events, Map<Integer, Long> errors, List<Integer> withoutClock) {

        @Override
        public String toString() {
            String text = "the timeline " + file + " has " + events + " events of the ranks " + errors.keySet();
            long most =
                    errors.values().stream().mapToLong(Long::longValue).max().orElse(0);
            text += String.format(Locale.ROOT, "; a time is wrong by at most %.1f us", most / 1e3);
            return withoutClock.isEmpty()
                    ? text
                    : text + "; without the ranks " + withoutClock + ", whose clocks were never compared with rank 0's";
        }
    }

    private TimelineMerge(List<TimelineEvents> parts) {
        this.parts = parts;
    }

    /** Merges all parts in a directory; the file is {@code timeline.json} there. */
    public static Result mergeDirectory(Path directory) {
        try {
            List<Path> found = TimelineEvents.partsIn(directory);
            if (found.isEmpty()) {
                throw new GyreException("there are no parts of a timeline, FILE.rank-N.part, in " + directory);
            }
            return merge(found, directory.resolve("timeline.json"));
        } catch (IOException e) {
            throw new GyreException("the parts of a timeline in " + directory + " cannot be listed: " + e, e);
        }
    }

    /**
     * Merges parts into a file, which is replaced once the new one is complete.
     *
     * @throws GyreException if rank 0's part is missing, a rank is there twice, or a file is no part
     */
    public static Result merge(List<Path> files, Path target) {
        List<TimelineEvents> parts = new ArrayList<>();
        Set<List<Integer>> seen = new HashSet<>();
        for (Path file : files) {
            TimelineEvents part = new TimelineEvents(file);
            if (!seen.add(List.of(part.generation, part.rank))) {
                throw new GyreException("rank " + part.rank + " has two parts among " + files
                        + ": merge the parts of one run, and leave out the others");
            }
            parts.add(part);
        }
        parts.sort(
                Comparator.<TimelineEvents>comparingInt(part -> part.generation).thenComparingInt(part -> part.rank));
        if (parts.stream().noneMatch(part -> part.rank == 0)) {
            throw new GyreException("the part of rank 0, by whose clock a timeline is written, is not among " + files);
        }
        try {
            return new TimelineMerge(parts).write(target);
        } catch (IOException e) {
            throw new GyreException("the timeline cannot be written to " + target + ": " + e, e);
        }
    }

    private Result write(Path target) throws IOException {
        compareClocks();
        Path half = target.resolveSibling(target.getFileName() + ".new");
        try (Writer out = Files.newBufferedWriter(half)) {
            // No displayTimeUnit: Perfetto of 2022 takes it for the unit of the times, which are microseconds.
            out.write("{\"otherData\":{\"clock\":\"rank 0\",\"errors_us\":{"
                    + errors().entrySet().stream()
                            .map(each -> "\"" + each.getKey() + "\":" + micros(each.getValue()))
                            .collect(Collectors.joining(","))
                    + "}},\n\"traceEvents\":[\n");
            String separator = "";
            for (int rank : errors().keySet()) {
                out.write(separator);
                nameProcesses(rank, out);
                separator = ",\n";
            }
            for (int i = 0; i < parts.size(); i++) {
                ClockOffsets clock = clocks.get(i);
                if (clock != null) {
                    write(parts.get(i), clock, out);
                }
            }
            out.write("\n]}\n");
        } catch (IOException e) {
            Files.deleteIfExists(half);
            throw e;
        }
        Files.move(half, target, StandardCopyOption.REPLACE_EXISTING);
        Set<Integer> without = new TreeSet<>();
        for (int i = 0; i < parts.size(); i++) {
            if (clocks.get(i) == null) {
                without.add(parts.get(i).rank);
            }
        }
        return new Result(target, events, errors(), List.copyOf(without));
    }

    /** Each generation of a run with seats has a rank 0 of its own; they are compared by the clocks of their hosts. */
    private void compareClocks() throws IOException {
        TimelineEvents first =
                parts.stream().filter(part -> part.rank == 0).findFirst().orElseThrow();
        Map<Integer, TimelineEvents> roots = new HashMap<>();
        Map<Integer, Map<Long, long[]>> exchanges = new HashMap<>();
        for (TimelineEvents part : parts) {
            if (part.rank == 0) {
                roots.put(part.generation, part);
                exchanges.put(part.generation, ClockOffsets.exchanges(part));
            }
            TimelineEvents root = roots.get(part.generation);
            ClockOffsets toRoot = root == null
                    ? null
                    : part.rank == 0
                            ? ClockOffsets.none()
                            : ClockOffsets.of(
                                    exchanges.getOrDefault(part.generation, Map.of()), ClockOffsets.exchanges(part));
            ClockOffsets clock = root == null || toRoot == null ? null : toRoot.plus(root.nanosUntil(first));
            clocks.add(clock);
            if (clock != null) {
                part.readAll(event -> firstNanos = Math.min(firstNanos, clock.toRoot(event.begin())));
            }
        }
    }

    private Map<Integer, Long> errors() {
        Map<Integer, Long> errors = new TreeMap<>();
        for (int i = 0; i < parts.size(); i++) {
            ClockOffsets clock = clocks.get(i);
            if (clock != null) {
                errors.merge(parts.get(i).rank, clock.errorNanos(), Math::max);
            }
        }
        return errors;
    }

    /** A rank has one track, whichever processes have held it. */
    private void nameProcesses(int rank, Writer out) throws IOException {
        List<String> processes = new ArrayList<>();
        long lost = 0;
        boolean complete = true;
        for (int i = 0; i < parts.size(); i++) {
            TimelineEvents part = parts.get(i);
            if (part.rank == rank && clocks.get(i) != null) {
                String process = part.host + ", pid " + part.pid;
                if (!processes.contains(process)) {
                    processes.add(process);
                }
                lost += part.lost;
                complete &= part.complete;
            }
        }
        name(out, "process_name", rank, 0, "name", "rank " + rank + " (" + String.join("; ", processes) + ")");
        out.write(",\n{\"ph\":\"M\",\"name\":\"process_sort_index\",\"pid\":" + rank + ",\"args\":{\"sort_index\":"
                + rank + "}}");
        String labels = "clock +-" + micros(errors().getOrDefault(rank, 0L)) + " us"
                + (lost == 0 ? "" : ", without the first " + lost + " events")
                + (complete ? "" : ", not complete");
        out.write(",\n");
        name(out, "process_labels", rank, 0, "labels", labels);
    }

    private void write(TimelineEvents part, ClockOffsets clock, Writer out) throws IOException {
        int pid = part.rank;
        Set<Integer> threads = named.computeIfAbsent(pid, rank -> new HashSet<>());
        part.readAll(event -> {
            int thread = thread(event);
            if (threads.add(thread)) {
                out.write(",\n");
                name(out, "thread_name", pid, thread, "name", threadName(event));
            }
            out.write(",\n" + json(event, pid, thread, clock));
            events++;
        });
    }

    private static int thread(Event event) {
        return switch (event.kind()) {
            case TimelineEvents.REDUCTION -> BUCKETS;
            case TimelineEvents.COLLECTION -> COLLECTIONS;
            case TimelineEvents.WAIT -> WAITS + event.thread();
            default -> PHASES;
        };
    }

    private static String threadName(Event event) {
        return switch (event.kind()) {
            case TimelineEvents.REDUCTION -> "buckets";
            case TimelineEvents.COLLECTION -> "collections of garbage";
            case TimelineEvents.WAIT -> "waits of thread " + event.thread();
            default -> "phases";
        };
    }

    private static void name(Writer out, String kind, int pid, int thread, String key, String value)
            throws IOException {
        out.write("{\"ph\":\"M\",\"name\":\"" + kind + "\",\"pid\":" + pid + ",\"tid\":" + thread + ",\"args\":{\""
                + key + "\":\"" + escaped(value) + "\"}}");
    }

    private String json(Event event, int pid, int thread, ClockOffsets clock) {
        String place = ",\"pid\":" + pid + ",\"tid\":" + thread + ",\"ts\":"
                + micros(clock.toRoot(event.begin()) - firstNanos);
        String step = "\"step\":" + event.step();
        return switch (event.kind()) {
            case TimelineEvents.PHASE -> span(event, event.text().toLowerCase(Locale.ROOT), place, step);
            case TimelineEvents.REDUCTION ->
                span(
                        event,
                        "bucket " + event.bucket(),
                        place,
                        step + ",\"bucket\":" + event.bucket() + ",\"elements\":" + event.value());
            case TimelineEvents.WAIT ->
                span(
                        event,
                        event.detail() < 0 ? "wait" : "wait for rank " + event.detail(),
                        place,
                        step + ",\"bucket\":" + event.bucket() + ",\"operation\":\"" + escaped(event.text()) + "\"");
            case TimelineEvents.COLLECTION -> span(event, "collection", place, "\"ms\":" + event.value() / 1_000_000);
            case TimelineEvents.LOSS -> counter("loss", place, Double.longBitsToDouble(event.value()));
            case TimelineEvents.MEMORY -> counter("heap MB", place, event.value() / 1e6);
            case TimelineEvents.STALENESS -> counter("staleness", place, (double) event.value());
            default ->
                "{\"ph\":\"i\",\"s\":\"p\",\"name\":\"" + escaped(event.text()) + "\"" + place + ",\"args\":{" + step
                        + "}}";
        };
    }

    private static String span(Event event, String name, String place, String args) {
        return "{\"ph\":\"X\",\"name\":\"" + name + "\"" + place + ",\"dur\":" + micros(event.end() - event.begin())
                + ",\"args\":{" + args + "}}";
    }

    /** JSON has no NaN and no infinity: a loss that is none is shown as an event. */
    private static String counter(String name, String place, double value) {
        return Double.isFinite(value)
                ? "{\"ph\":\"C\",\"name\":\"" + name + "\"" + place + ",\"args\":{\"value\":" + value + "}}"
                : "{\"ph\":\"i\",\"s\":\"t\",\"name\":\"" + name + " " + value + "\"" + place + "}";
    }

    private static String micros(long nanos) {
        String sign = nanos < 0 ? "-" : "";
        long size = Math.abs(nanos);
        return String.format(Locale.ROOT, "%s%d.%03d", sign, size / 1_000, size % 1_000);
    }

    private static String escaped(String text) {
        return text.replace("\\", "\\\\").replace("\"", "\\\"");
    }
}
