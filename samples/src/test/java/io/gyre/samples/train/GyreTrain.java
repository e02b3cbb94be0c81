package io.gyre.samples.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.launcher.JvmFlags;
import io.gyre.samples.GyreCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;

/** {@code gyre train} as a process that starts its own ranks. */
final class GyreTrain implements AutoCloseable {

    /** Far more than anything here takes on an idle machine. */
    static final Duration PATIENCE = Duration.ofMinutes(5);

    /** Longest time from the loss of a rank to the end of all: seconds, generously bounded. */
    static final Duration FAILURE = Duration.ofSeconds(30);

    private final MarkedProcesses own = new MarkedProcesses();
    private final Path output;
    private final Process process;

    private GyreTrain(Path directory, List<String> wrapper, Map<String, String> environment, List<String> arguments)
            throws IOException {
        output = Files.createTempFile(directory.toAbsolutePath(), "output", ".txt");
        List<String> command = new ArrayList<>(wrapper);
        command.addAll(gyre());
        command.add("train");
        command.addAll(arguments);
        command.addAll(List.of("--report", report(directory).toString()));
        if (!arguments.contains("--run-dir") && !arguments.contains("--no-run-dir")) {
            command.addAll(List.of(
                    "--run-dir", Files.createTempDirectory(directory, "run").toString()));
        }
        ProcessBuilder builder = new ProcessBuilder(command);
        // This JVM's settings are for ranks that are its threads and share its cores.
        builder.environment().keySet().removeAll(List.of("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"));
        own.mark(builder.environment());
        builder.environment().putAll(environment);
        process = builder.redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
    }

    /** What stands for {@code bin/gyre}, on the JVM and the classes of this test. */
    static List<String> gyre() {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(JvmFlags.STANDARD);
        command.add("-cp");
        command.add(System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
        command.add(GyreCommand.class.getName());
        return command;
    }

    private static Path report(Path directory) {
        return directory.resolve("report.json");
    }

    /**
     * Starts it.
     *
     * @param directory for its output and its report
     */
    static GyreTrain start(Path directory, String... arguments) throws IOException {
        return new GyreTrain(directory, List.of(), Map.of(), List.of(arguments));
    }

    /** Starts it as another launcher would, which sets these variables. */
    static GyreTrain startAs(Map<String, String> environment, Path directory, String... arguments) throws IOException {
        return new GyreTrain(directory, List.of(), environment, List.of(arguments));
    }

    /**
     * Starts it by another program.
     *
     * @param wrapper that program and its arguments; it must become this one, not start it
     */
    static GyreTrain startBy(List<String> wrapper, Map<String, String> environment, Path directory, String... arguments)
            throws IOException {
        return new GyreTrain(directory, wrapper, environment, List.of(arguments));
    }

    /** Starts one rank of two without a launcher; the ranks meet through a file. */
    static GyreTrain startRank(int rank, Path directory, String... arguments) throws IOException {
        Map<String, String> environment = Map.of(
                "GYRE_RANK", String.valueOf(rank),
                "GYRE_WORLD_SIZE", "2",
                "GYRE_RENDEZVOUS", directory.resolve("meet").toString());
        return new GyreTrain(directory, List.of(), environment, List.of(arguments));
    }

    /** Starts it, waits until it has ended successfully, and returns its report. */
    static JsonNode run(Path directory, String... arguments) throws IOException, InterruptedException {
        try (GyreTrain train = start(directory, arguments)) {
            int status = train.awaitExit(PATIENCE);
            if (status != 0) {
                throw new AssertionError("gyre train ended with " + status + ":\n" + train.output());
            }
            return train.report();
        }
    }

    /** Its report, once it has ended successfully. */
    JsonNode report() throws IOException {
        return new ObjectMapper().readTree(report(output.getParent()).toFile());
    }

    String output() {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            return e.toString();
        }
    }

    void awaitOutput(String regex) {
        Pattern pattern = Pattern.compile(regex);
        await(
                PATIENCE,
                "it prints '" + regex + "'",
                () -> pattern.matcher(output()).find());
    }

    int awaitExit(Duration atMost) throws InterruptedException {
        if (!process.waitFor(atMost.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new AssertionError("gyre train still ran after " + atMost + ":\n" + output());
        }
        return process.exitValue();
    }

    boolean isRunning() {
        return process.isAlive();
    }

    /** Process id of what was started: of a rank, if it was started without a launcher. */
    long pid() {
        return process.pid();
    }

    /** Process id of a running rank. */
    long pid(int rank) {
        try {
            return own.rank(rank);
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + ":\n" + output(), e);
        }
    }

    /** Process id of a running process of a run with seats. */
    long processPid(int number) {
        return own.process(number);
    }

    List<Long> pids() {
        return own.ranks().map(ProcessHandle::pid).toList();
    }

    /** The file with the token of a running rank. */
    Path tokenFile(int rank) {
        String start = "GYRE_TOKEN_FILE=";
        return MarkedProcesses.environment(pid(rank)).stream()
                .filter(variable -> variable.startsWith(start))
                .map(variable -> Path.of(variable.substring(start.length())))
                .findFirst()
                .orElseThrow(() -> new AssertionError("rank " + rank + " was told no " + start + "\n" + output()));
    }

    static void kill(long pid) throws IOException, InterruptedException {
        signal("KILL", pid);
    }

    /** Sends a signal to the launcher. */
    void signal(String name) throws IOException, InterruptedException {
        signal(name, process.pid());
    }

    static void signal(String name, long pid) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, String.valueOf(pid))
                .inheritIO()
                .start()
                .waitFor();
    }

    /** Waits until none of its processes runs, and fails if any of these ranks left files in shared memory. */
    void awaitNothingLeft(List<Long> pids) {
        until(FAILURE, "none of its processes runs", () -> own.areGone(pids));
    }

    /** Waits for a condition while it runs. */
    void await(Duration atMost, String what, BooleanSupplier condition) {
        until(atMost, what, () -> {
            boolean running = process.isAlive();
            boolean met = condition.getAsBoolean();
            if (!met && !running) {
                throw new AssertionError(
                        "gyre train ended with " + process.exitValue() + " before " + what + ":\n" + output());
            }
            return met;
        });
    }

    private void until(Duration atMost, String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + atMost.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("waited " + atMost + " in vain until " + what + ":\n" + output());
            }
            LockSupport.parkNanos(2_000_000);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
        own.kill();
    }
}
