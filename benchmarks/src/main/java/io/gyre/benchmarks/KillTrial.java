package io.gyre.benchmarks;

import io.gyre.GyreException;
import io.gyre.transport.GyreVariable;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;

/**
 * One run of {@code gyre train} in which one rank is killed at a random moment, seen from outside: what the others
 * print, and when. Linux only, because a rank is identified by its process's environment.
 */
final class KillTrial implements AutoCloseable {

    private static final long LOOK_MILLIS = 1;
    private static final long START_MILLIS = 300_000;
    private static final long END_MILLIS = 300_000;
    private static final Pattern FIRST_STEP = Pattern.compile("\\[0\\] step 1 of .*");

    private final Process launcher;
    private final List<Line> lines = new CopyOnWriteArrayList<>();
    private final Thread reader;

    private record Line(long nanos, String text) {}

    /**
     * Outcome of one kill.
     *
     * @param victim rank that was killed
     * @param millis by survivor, until it first named the victim; negative for one that never did
     * @param endMillis until all processes had ended
     * @param output all that was printed
     */
    record Outcome(int victim, Map<Integer, Double> millis, double endMillis, List<String> output) {

        /** Survivors that reported nothing. */
        List<Integer> silent() {
            return millis.entrySet().stream()
                    .filter(entry -> entry.getValue() < 0)
                    .map(Map.Entry::getKey)
                    .toList();
        }
    }

    /** Starts the training. */
    KillTrial(List<String> command) throws IOException {
        launcher = new ProcessBuilder(command).redirectErrorStream(true).start();
        reader = new Thread(this::read, "gyre-kill-trial");
        reader.setDaemon(true);
        reader.start();
    }

    private void read() {
        try (BufferedReader in = launcher.inputReader(StandardCharsets.UTF_8)) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                lines.add(new Line(System.nanoTime(), line));
            }
        } catch (IOException e) {
            lines.add(new Line(System.nanoTime(), "the output broke off: " + e.getMessage()));
        }
    }

    /**
     * Kills a rank within two seconds of the first step, and waits for the end of the run.
     *
     * @param random chooses rank and time
     * @param load processes that keep the processors busy from the first step on
     */
    Outcome run(Random random, int load) throws IOException, InterruptedException {
        await(
                "the first step",
                START_MILLIS,
                () -> lines.stream()
                        .anyMatch(line -> FIRST_STEP.matcher(line.text).matches()));
        Map<Integer, ProcessHandle> ranks = ranks();
        try (BusyLoad busy = new BusyLoad()) {
            busy.start(load);
            return kill(random, ranks);
        }
    }

    private Outcome kill(Random random, Map<Integer, ProcessHandle> ranks) throws InterruptedException {
        TimeUnit.MILLISECONDS.sleep(random.nextInt(2_000));
        List<Map.Entry<Integer, ProcessHandle>> all = List.copyOf(ranks.entrySet());
        Map.Entry<Integer, ProcessHandle> chosen = all.get(random.nextInt(all.size()));
        int victim = chosen.getKey();
        long killed = System.nanoTime();
        if (!chosen.getValue().destroyForcibly()) {
            throw new GyreException("rank " + victim + " could not be killed:\n" + text());
        }
        await("the end of the run", END_MILLIS, () -> !launcher.isAlive());
        reader.join();
        double end = (System.nanoTime() - killed) / 1e6;
        Map<Integer, Double> millis = new TreeMap<>();
        for (int rank : ranks.keySet()) {
            if (rank != victim) {
                millis.put(
                        rank,
                        word(rank, victim, killed)
                                .map(line -> (line.nanos - killed) / 1e6)
                                .orElse(-1.0));
            }
        }
        return new Outcome(victim, millis, end, lines.stream().map(Line::text).toList());
    }

    private Optional<Line> word(int rank, int victim, long sinceNanos) {
        String start = "[" + rank + "] ";
        String name = "rank " + victim + " (host";
        return lines.stream()
                .filter(line -> line.nanos >= sinceNanos && line.text.startsWith(start) && line.text.contains(name))
                .findFirst();
    }

    private Map<Integer, ProcessHandle> ranks() {
        Map<Integer, ProcessHandle> ranks = new TreeMap<>();
        launcher.descendants()
                .forEach(process -> environment(process.pid()).stream()
                        .filter(entry -> entry.startsWith(GyreVariable.RANK + "="))
                        .filter(entry -> process.info().command().orElse("").endsWith("java"))
                        .forEach(entry ->
                                ranks.put(Integer.parseInt(entry.substring(entry.indexOf('=') + 1)), process)));
        return ranks;
    }

    private static List<String> environment(long pid) {
        try {
            byte[] bytes = Files.readAllBytes(Path.of("/proc", String.valueOf(pid), "environ"));
            return Arrays.asList(new String(bytes, StandardCharsets.UTF_8).split("\0", -1));
        } catch (IOException ended) {
            return List.of();
        }
    }

    private void await(String what, long atMostMillis, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(atMostMillis);
        while (!condition.getAsBoolean()) {
            boolean ended = !launcher.isAlive() && !reader.isAlive();
            if (ended && !condition.getAsBoolean()) {
                throw new GyreException("gyre train ended before " + what + ":\n" + text());
            }
            if (System.nanoTime() - deadline > 0) {
                throw new GyreException("waited " + atMostMillis + " ms in vain for " + what + ":\n" + text());
            }
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
        }
    }

    private String text() {
        return String.join("\n", lines.stream().map(Line::text).toList());
    }

    /** Ends all processes that are left. */
    @Override
    public void close() {
        List<ProcessHandle> all = new ArrayList<>(launcher.descendants().toList());
        launcher.destroyForcibly();
        all.forEach(ProcessHandle::destroyForcibly);
    }
}
