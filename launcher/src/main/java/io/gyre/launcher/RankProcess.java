package io.gyre.launcher;

import io.gyre.transport.RunSecret;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A started rank: its local process, either the rank itself or the ssh to it, and its output. */
final class RankProcess {

    private static final Logger log = LoggerFactory.getLogger(RankProcess.class);

    private final Placement place;
    private final Process process;
    private final boolean ownsTerminal;
    private final Tail tail = new Tail();
    private final List<Thread> readers = new ArrayList<>();
    private volatile long pid;

    private RankProcess(Placement place, Process process, boolean ownsTerminal) {
        this.place = place;
        this.process = process;
        this.ownsTerminal = ownsTerminal;
        pid = place.here() ? process.pid() : 0;
    }

    /**
     * Starts a rank.
     *
     * @param variables added to the environment of the process
     * @param token of the run, sent to the rank through its standard input; null for none
     * @param terminal for its output
     * @param ownsTerminal lets the rank write to the launcher's own streams instead
     * @throws IOException if there is no {@code sh}
     */
    static RankProcess start(
            Placement place,
            List<String> command,
            Map<String, String> variables,
            @Nullable RunSecret token,
            Terminal terminal,
            boolean ownsTerminal)
            throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(variables);
        if (ownsTerminal) {
            builder.redirectOutput(Redirect.INHERIT).redirectError(Redirect.INHERIT);
        }
        RankProcess rank = new RankProcess(place, builder.start(), ownsTerminal);
        if (!ownsTerminal) {
            rank.read("stdout", rank.process.getInputStream(), terminal::out);
            rank.read("stderr", rank.process.getErrorStream(), terminal::err);
        }
        if (token != null) {
            rank.send("token", token::writeTo);
        }
        return rank;
    }

    private void read(String name, InputStream stream, BiConsumer<String, byte[]> lines) {
        String prefix = "[" + place.rank() + "] ";
        Thread reader = new Thread(
                () -> {
                    try {
                        LineReader.read(stream, line -> {
                            if (!isPidLine(line)) {
                                tail.add(line);
                                lines.accept(prefix, line);
                            }
                        });
                    } catch (IOException e) {
                        log.debug("{} of rank {} ended: {}", name, place.rank(), e.getMessage());
                    }
                },
                "gyre-rank-" + place.rank() + "-" + name);
        reader.setDaemon(true);
        reader.start();
        readers.add(reader);
    }

    private boolean isPidLine(byte[] line) {
        if (place.here() || pid != 0 || line.length > RankCommand.PID_LINE.length() + 19) {
            return false;
        }
        String text = new String(line, StandardCharsets.US_ASCII);
        if (!text.matches(RankCommand.PID_LINE + "\\d{1,18}")) {
            return false;
        }
        pid = Long.parseLong(text.substring(RankCommand.PID_LINE.length()));
        return true;
    }

    Placement place() {
        return place;
    }

    /** Whether it writes to the terminal directly. */
    boolean ownsTerminal() {
        return ownsTerminal;
    }

    /** Process id of the rank on its host; 0 if ssh has not reported it. */
    long pid() {
        return pid;
    }

    /** Runs the action when the process has ended, on a thread that must not be blocked. */
    void onExit(Runnable action) {
        CompletableFuture<Void> unused = process.onExit().thenRun(action);
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Exit status of a process that has ended; 128 and the signal's number if a signal ended it. */
    int exitStatus() {
        return process.exitValue();
    }

    List<String> lastLines() {
        return tail.lines();
    }

    /** Sends a word to the watcher of the rank: see {@link RankCommand}. */
    void tell(String word) {
        send(word, input -> input.write((word + "\n").getBytes(StandardCharsets.US_ASCII)));
    }

    /** What is written to the standard input of a rank. */
    @FunctionalInterface
    private interface Message {
        void writeTo(OutputStream input) throws IOException;
    }

    /** Whoever does not take it has ended: its exit status says why. */
    private void send(String name, Message message) {
        OutputStream input = process.getOutputStream();
        try {
            message.writeTo(input);
            input.flush();
        } catch (IOException e) {
            log.debug("rank {} did not take the {}: {}", place.rank(), name, e.getMessage());
        }
    }

    /** Kills the local process at once, independently of its watcher. */
    void destroy() {
        process.destroyForcibly();
    }

    /** After the end of the process: waits until its last lines have been read. */
    void awaitOutput(long deadlineNanos) throws InterruptedException {
        for (Thread reader : readers) {
            TimeUnit.NANOSECONDS.timedJoin(reader, Math.max(1, deadlineNanos - System.nanoTime()));
        }
    }
}
