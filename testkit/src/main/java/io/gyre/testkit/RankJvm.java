package io.gyre.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A rank in its own JVM, for tests of what happens to the others when it dies or stalls. Runs a main class of the
 * test's class path. Closing it kills the process.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread.
 *   <dt>Systems
 *   <dd>Those that have {@code kill}.
 * </dl>
 */
public final class RankJvm implements AutoCloseable {

    /** For short-lived JVMs: fast start instead of peak performance. */
    public static final List<String> QUICK_START =
            List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto");

    /** Deadline for what takes a second on an idle machine. */
    private static final Duration LONG = Duration.ofMinutes(1);

    private final Path output;
    private final Process process;

    private RankJvm(Path output, Process process) {
        this.output = output;
        this.process = process;
    }

    /**
     * Starts a rank.
     *
     * @param directory for a file with its output
     * @param flags of the JVM
     * @param environment added to that of this process
     * @param main class with a {@code main}
     */
    public static RankJvm start(
            Path directory, List<String> flags, Map<String, String> environment, Class<?> main, String... arguments)
            throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        command.addAll(List.of("-cp", classPath, main.getName()));
        command.addAll(List.of(arguments));
        Path output = Files.createTempFile(directory, "rank", ".txt");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        return new RankJvm(output, builder.start());
    }

    /** Its process id. */
    public long pid() {
        return process.pid();
    }

    /** Its output so far, of both streams. */
    public String output() throws IOException {
        return Files.readString(output);
    }

    /** Waits until its output contains a text; fails if it ends before. */
    public void awaitOutput(String text) throws IOException {
        long deadline = System.nanoTime() + LONG.toNanos();
        while (!output().contains(text)) {
            boolean late = System.nanoTime() - deadline > 0;
            if ((late || !process.isAlive()) && !output().contains(text)) {
                throw new AssertionError("process " + pid() + (late ? " has not written '" : " ended before it wrote '")
                        + text + "':\n" + output());
            }
            LockSupport.parkNanos(2_000_000);
        }
    }

    /**
     * Sends it a signal.
     *
     * @param name as for {@code kill}: {@code KILL}, {@code STOP}, {@code CONT}
     */
    public void signal(String name) throws IOException, InterruptedException {
        int status = new ProcessBuilder("kill", "-" + name, String.valueOf(pid()))
                .inheritIO()
                .start()
                .waitFor();
        if (status != 0) {
            throw new AssertionError("process " + pid() + " got no signal " + name + ":\n" + output());
        }
    }

    /** Waits until it ends; returns whether it did within this time. */
    public boolean endsWithin(Duration time) throws InterruptedException {
        return process.waitFor(time.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Waits for its end, and returns its exit status. */
    public int awaitExit(Duration atMost) throws IOException, InterruptedException {
        if (!endsWithin(atMost)) {
            throw new AssertionError("process " + pid() + " still ran after " + atMost + ":\n" + output());
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
