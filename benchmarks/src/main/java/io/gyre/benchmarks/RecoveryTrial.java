package io.gyre.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.GyreException;
import io.gyre.runs.RunFiles;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * One run of {@code gyre train} with seats, whose processes are killed one after the other at random moments, seen from
 * outside: by the files in its run directory.
 */
final class RecoveryTrial implements AutoCloseable {

    private static final long LOOK_MILLIS = 5;
    private static final long PATIENCE_MILLIS = 900_000;

    /** Bytes at the end of the curves that have a whole line for certain, so that looking costs the training little. */
    private static final int TAIL = 2_048;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path directory;
    private final RunFiles files;
    private final Path output;
    private final Path report;
    private final Process launcher;

    /**
     * What followed a kill.
     *
     * @param millis until the curves had a step that they had not had, which takes up to 0.1 s longer than the step
     * @param lostSteps steps in the curves that the next generation did again
     */
    record Recovery(double millis, long lostSteps) {}

    /**
     * Outcome of a run.
     *
     * @param sha256 of the parameters
     */
    record Outcome(List<Recovery> recoveries, String sha256) {}

    /**
     * Starts a training.
     *
     * @param directory for all of its files; removed at the end
     */
    RecoveryTrial(List<String> command, Path directory) throws IOException {
        this.directory = directory;
        output = directory.resolve("output.txt");
        report = directory.resolve("report.json");
        files = new RunFiles(directory.resolve("run"));
        List<String> all = new ArrayList<>(command);
        all.addAll(List.of("--report", report.toString()));
        all.addAll(List.of("--run-dir", directory.resolve("run").toString()));
        launcher = new ProcessBuilder(all)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
    }

    /**
     * Kills processes, and waits for the end of the run.
     *
     * @param kills one after the other, each after a step of the generation that followed the one before
     * @param pauseMillis a kill comes at most so long after that step
     */
    Outcome run(int kills, int pauseMillis, Random random) throws IOException, InterruptedException {
        await("the first step", () -> lastStep().filter(step -> step > 0));
        List<Recovery> recoveries = new ArrayList<>();
        for (int kill = 0; kill < kills; kill++) {
            TimeUnit.MILLISECONDS.sleep(random.nextInt(pauseMillis));
            recoveries.add(kill(random));
        }
        await("the end of the run", () -> launcher.isAlive() ? Optional.empty() : Optional.of(true));
        if (launcher.exitValue() != 0) {
            throw new GyreException("gyre train ended with status " + launcher.exitValue() + ":\n" + text());
        }
        return new Outcome(recoveries, sha256());
    }

    /** That of all ranks, or several if they differ. */
    private String sha256() throws IOException {
        Set<String> all = new TreeSet<>();
        JSON.readTree(report.toFile()).required("parameters_sha256").forEach(each -> all.add(each.asText()));
        return String.join(" and ", all);
    }

    private Recovery kill(Random random) throws InterruptedException {
        List<ProcessHandle> ranks =
                await("a process to kill", () -> Optional.of(holders()).filter(all -> !all.isEmpty()));
        int events = lines(files.membership(), Integer.MAX_VALUE).size();
        long step = lastStep().orElse(0L);
        long killed = System.nanoTime();
        if (!ranks.get(random.nextInt(ranks.size())).destroyForcibly()) {
            throw new GyreException("a process could not be killed:\n" + text());
        }
        long begin = await("the next generation", () -> generationSince(events));
        // Steps that were lost are in the curves already, and are not written again.
        long known = Math.max(begin, step);
        await("the next step", () -> lastStep().filter(newest -> newest > known));
        return new Recovery((System.nanoTime() - killed) / 1e6, Math.max(0, step - begin));
    }

    /** The steps that were done when the first generation began of which the file has told since it had these lines. */
    private Optional<Long> generationSince(int events) {
        List<JsonNode> all = lines(files.membership(), Integer.MAX_VALUE);
        return all.subList(Math.min(events, all.size()), all.size()).stream()
                .dropWhile(event -> !event.path("event").asText().equals("lost"))
                .filter(event -> event.path("event").asText().equals("generation"))
                .map(event -> event.path("step").asLong())
                .findFirst();
    }

    private Optional<Long> lastStep() {
        List<JsonNode> newest = lines(files.metrics(), TAIL);
        return newest.isEmpty()
                ? Optional.empty()
                : Optional.of(newest.get(newest.size() - 1).path("step").asLong());
    }

    /** The complete lines among the last bytes of a file that is being written. */
    private static List<JsonNode> lines(Path file, int bytes) {
        if (!Files.exists(file)) {
            return List.of();
        }
        try (SeekableByteChannel channel = Files.newByteChannel(file)) {
            long from = Math.max(0, channel.size() - bytes);
            channel.position(from);
            byte[] read = Channels.newInputStream(channel).readNBytes(bytes);
            String text = new String(read, StandardCharsets.UTF_8);
            int begin = from == 0 ? 0 : text.indexOf('\n') + 1;
            List<JsonNode> lines = new ArrayList<>();
            for (String line :
                    text.substring(begin, text.lastIndexOf('\n') + 1).lines().toList()) {
                lines.add(JSON.readTree(line));
            }
            return lines;
        } catch (IOException e) {
            throw new GyreException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    /** The processes that hold seats in the present generation: the loss of another changes nothing. */
    private List<ProcessHandle> holders() {
        Map<Integer, Long> pids = new HashMap<>();
        Set<Integer> holders = new TreeSet<>();
        for (JsonNode event : lines(files.membership(), Integer.MAX_VALUE)) {
            if (event.path("event").asText().equals("joined")) {
                pids.put(
                        event.required("process").asInt(), event.required("pid").asLong());
            }
            if (event.path("event").asText().equals("generation")) {
                holders.clear();
                event.required("holders").forEach(process -> holders.add(process.asInt()));
            }
        }
        return holders.stream()
                .map(pids::get)
                .filter(Objects::nonNull)
                .flatMap(pid -> ProcessHandle.of(pid).stream())
                .filter(ProcessHandle::isAlive)
                .toList();
    }

    private <T> T await(String what, Supplier<Optional<T>> look) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
        while (true) {
            boolean ended = !launcher.isAlive();
            Optional<T> seen = look.get();
            if (seen.isPresent()) {
                return seen.get();
            }
            if (ended) {
                throw new GyreException("gyre train ended before " + what + ":\n" + text());
            }
            if (System.nanoTime() - deadline > 0) {
                throw new GyreException("waited " + PATIENCE_MILLIS + " ms in vain for " + what + ":\n" + text());
            }
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
        }
    }

    private String text() {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            return "its output cannot be read: " + e.getMessage();
        }
    }

    /** Ends all processes that are left, and removes the files. */
    @Override
    public void close() throws IOException {
        List<ProcessHandle> all = new ArrayList<>(launcher.descendants().toList());
        launcher.destroyForcibly();
        all.forEach(ProcessHandle::destroyForcibly);
        try (Stream<Path> paths = Files.walk(directory)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
