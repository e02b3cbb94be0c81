package io.gyre.launcher;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** {@code gyre} as a process, with its output so far. Closing it ends all its processes. */
final class GyreProcess implements AutoCloseable {

    /** Far longer than the two seconds that stopping may take on an idle machine. */
    static final Duration STOPPED = Duration.ofSeconds(20);

    private final String mark = "mark-" + UUID.randomUUID();
    private final Process process;
    private final List<String> out = new CopyOnWriteArrayList<>();
    private final List<String> err = new CopyOnWriteArrayList<>();
    private final List<Thread> readers = new ArrayList<>();

    private GyreProcess(Map<String, String> environment, List<String> arguments, boolean marked) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(JvmFlags.STANDARD);
        command.addAll(List.of("-cp", classPath(), GyreMain.class.getName()));
        command.addAll(arguments);
        if (marked) {
            command.add(mark);
        }
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        process = builder.start();
        read(process.getInputStream(), out);
        read(process.getErrorStream(), err);
    }

    /** {@code gyre} with these arguments. */
    static GyreProcess start(String... arguments) throws IOException {
        return start(Map.of(), List.of(arguments));
    }

    static GyreProcess start(Map<String, String> environment, List<String> arguments) throws IOException {
        return new GyreProcess(environment, arguments, false);
    }

    /** {@code gyre run} of {@link RankProgram}, whose processes are identified by a unique last argument. */
    static GyreProcess run(int ranks, String... program) throws IOException {
        return run(Map.of(), List.of("-n", String.valueOf(ranks)), program);
    }

    static GyreProcess run(Map<String, String> environment, List<String> options, String... program)
            throws IOException {
        List<String> arguments = new ArrayList<>(List.of("run"));
        arguments.addAll(options);
        arguments.addAll(List.of("--", RankProgram.class.getName()));
        arguments.addAll(List.of(program));
        return new GyreProcess(environment, arguments, true);
    }

    static String classPath() {
        return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    }

    private void read(InputStream stream, List<String> lines) {
        Thread reader = new Thread(() -> {
            try {
                LineReader.read(stream, line -> lines.add(new String(line, StandardCharsets.UTF_8)));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        reader.setDaemon(true);
        reader.start();
        readers.add(reader);
    }

    long pid() {
        return process.pid();
    }

    List<String> out() {
        return out;
    }

    /** Both streams, for messages and searches that ignore the order. */
    String output() {
        return String.join("\n", out) + "\n" + String.join("\n", err);
    }

    String errors() {
        return String.join("\n", err);
    }

    void signal(String name) throws IOException, InterruptedException {
        Processes.signal(name, process.pid());
    }

    /** Signals repeatedly until it has ended: a signal too soon after the previous one is not counted. */
    void signalUntilExit(String name) {
        Await.until(Await.LONG, () -> "it ends:\n" + output(), () -> {
            try {
                signal(name);
                return process.waitFor(100, TimeUnit.MILLISECONDS);
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
        });
    }

    /** Process id of a rank, once it reports that it is ready. */
    long awaitReady(int rank) {
        return Long.parseLong(awaitWord(rank, "ready"));
    }

    /** Waits for a line of a rank that begins with a word; returns the rest of the line. */
    String awaitWord(int rank, String word) {
        await("rank " + rank + " says \"" + word + "\"", () -> word(rank, word).isPresent());
        return word(rank, word).orElseThrow();
    }

    /** Waits for a condition that the run brings about. */
    void await(String what, BooleanSupplier condition) {
        Await.until(Await.LONG, () -> what + ":\n" + output(), () -> condition.getAsBoolean() || !process.isAlive());
        if (!condition.getAsBoolean()) {
            throw new AssertionError("the launcher ended before " + what + ":\n" + output());
        }
    }

    /** The rest of a rank's last line that begins with a word. */
    Optional<String> word(int rank, String word) {
        String start = "[" + rank + "] " + word + " ";
        return out.stream()
                .filter(line -> line.startsWith(start))
                .map(line -> line.substring(start.length()))
                .reduce((first, last) -> last);
    }

    /** Exit status of the launcher; all that it printed has been read. */
    int awaitExit(Duration atMost) throws InterruptedException {
        if (!process.waitFor(atMost.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new AssertionError("the launcher still ran after " + atMost + ":\n" + output());
        }
        for (Thread reader : readers) {
            reader.join(atMost.toMillis());
        }
        return process.exitValue();
    }

    /** Waits until all ranks and their watchers have ended. */
    void awaitNobodyLeft() {
        Processes.awaitNoneWith(mark, STOPPED);
    }

    @Override
    public void close() {
        process.destroyForcibly();
        Processes.awaitNoneWith(mark, STOPPED);
    }
}
