package io.gyre.benchmarks;

import io.gyre.GyreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The processes of one run. Their output goes to files, and they end together. */
final class RankCrew implements AutoCloseable {

    private static final int LAST_LINES = 12;
    private static final long LOOK_MILLIS = 200;
    private static final long TO_NOTICE_MILLIS = 2_000;

    private final Path directory;
    private final List<Process> processes = new ArrayList<>();

    /**
     * Creates an empty crew.
     *
     * @param directory for the output of the processes
     */
    RankCrew(Path directory) {
        this.directory = directory;
    }

    /** Starts another process. */
    synchronized void start(List<String> command, Map<String, String> variables) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output(processes.size()).toFile());
        builder.environment().putAll(variables);
        processes.add(builder.start());
    }

    private Path output(int rank) {
        return directory.resolve("rank-" + rank + ".txt");
    }

    /**
     * Waits until all have ended.
     *
     * @throws GyreException with the last lines of the first that failed; the others have ended by then
     */
    void await() throws IOException, InterruptedException {
        int failed = -1;
        while (failed < 0 && processes.stream().anyMatch(Process::isAlive)) {
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
            failed = firstFailed();
        }
        failed = failed < 0 ? firstFailed() : failed;
        if (failed >= 0) {
            // Other ranks may have noticed, and report more.
            TimeUnit.MILLISECONDS.sleep(TO_NOTICE_MILLIS);
            close();
            List<String> lines = Files.readAllLines(output(failed));
            String last = String.join("\n  ", lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()));
            throw new GyreException(
                    "rank " + failed + " ended with " + processes.get(failed).exitValue() + ":\n  " + last);
        }
    }

    private int firstFailed() {
        for (int rank = 0; rank < processes.size(); rank++) {
            Process process = processes.get(rank);
            if (!process.isAlive() && process.exitValue() != 0) {
                return rank;
            }
        }
        return -1;
    }

    /** Ends all processes that still run, and waits for them. A second call does nothing. */
    @Override
    public synchronized void close() {
        processes.forEach(Process::destroyForcibly);
        for (Process process : processes) {
            process.onExit().join();
        }
    }
}
