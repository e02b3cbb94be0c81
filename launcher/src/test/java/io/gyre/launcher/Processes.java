package io.gyre.launcher;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** The running processes. */
final class Processes {

    private Processes() {}

    /** Whether the process runs; a zombie does not. */
    static boolean isRunning(long pid) {
        try {
            String status = Files.readString(Path.of("/proc", String.valueOf(pid), "stat"));
            char state = status.charAt(status.lastIndexOf(')') + 2);
            return state != 'Z' && state != 'X';
        } catch (NoSuchFileException e) {
            return false;
        } catch (IOException e) {
            // The process ended while its file was read.
            return false;
        }
    }

    static void signal(String name, long pid) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, String.valueOf(pid))
                .inheritIO()
                .start()
                .waitFor();
    }

    /** Waits until no process, rank or watcher, has the text among its arguments. */
    static void awaitNoneWith(String text, Duration atMost) {
        Await.until(
                atMost,
                () -> "none of these processes runs:\n" + String.join("\n", with(text)),
                () -> with(text).isEmpty());
    }

    static List<String> with(String text) {
        long own = ProcessHandle.current().pid();
        return ProcessHandle.allProcesses()
                .filter(process -> process.pid() != own && isRunning(process.pid()))
                .filter(process -> process.info().arguments().stream()
                        .flatMap(Arrays::stream)
                        .anyMatch(argument -> argument.contains(text)))
                .map(process ->
                        process.pid() + " " + process.info().commandLine().orElse(""))
                .collect(Collectors.toList());
    }
}
