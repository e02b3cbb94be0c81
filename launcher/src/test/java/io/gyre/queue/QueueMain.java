package io.gyre.queue;

import io.gyre.launcher.GyreCommandLine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code gyre} with a queue, and a command that trains nothing. */
@Command(
        name = "gyre",
        subcommands = {QueueCommand.class, SweepCommand.class, QueueMain.Training.class})
final class QueueMain {

    public static void main(String[] arguments) {
        System.exit(GyreCommandLine.of(new QueueMain()).execute(arguments));
    }

    /** Appends its process id to a file, and ends when another file appears. */
    @Command(name = "train")
    @SuppressWarnings("UnusedVariable") // Parsed by their names.
    static final class Training implements Callable<Integer> {

        @Parameters(index = "0")
        private Path started = Path.of("");

        @Parameters(index = "1", arity = "0..1")
        private Path mayEnd = Path.of("");

        @Option(names = "--learning-rate")
        private double rate;

        @Option(names = "-n")
        private int ranks;

        @Option(names = "--name")
        private String name = "";

        @Option(names = "--steps")
        private int steps;

        @Option(names = "--batch")
        private int batch;

        @Option(names = "--no-run-dir")
        private boolean none;

        @Option(names = "--run-dir")
        private String directory = "";

        @Option(names = "--resume")
        private boolean resume;

        @Override
        public Integer call() throws IOException {
            String line = ProcessHandle.current().pid() + " " + resume + "\n";
            Files.writeString(started, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            // The test ends this process if it fails before the file is there.
            while (!Files.exists(mayEnd)) {
                LockSupport.parkNanos(5_000_000);
            }
            return 0;
        }
    }
}
