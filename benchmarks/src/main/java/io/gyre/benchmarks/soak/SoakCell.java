package io.gyre.benchmarks.soak;

import io.gyre.launcher.JvmFlags;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * One configuration of a soak: JVM, garbage collector, and what it trains.
 *
 * @param java home of a JDK
 * @param collector as in {@code -XX:+Use...GC}
 * @param flags additional JVM flags
 */
record SoakCell(Path java, String collector, List<String> flags, SoakModel model, SoakRun.Kind kind, boolean litter) {

    /** Added to the seconds of the run for start, end and a busy machine. */
    private static final int PATIENCE_SECONDS = 300;

    /** Printed by a JVM that dies of SIGSEGV; more specific than its exit status. */
    private static final String CRASH = "A fatal error has been detected by the Java Runtime Environment";

    /** Outcome of a run. */
    record Outcome(boolean crashed, long collections, long steps, double cpuMicros) {}

    /**
     * Runs it. Keeps the output in the directory if the run fails.
     *
     * @throws IllegalStateException if it fails in another way than by a crash
     */
    Outcome run(int seconds, Path directory) throws IOException, InterruptedException {
        Path log = Files.createTempFile(directory, "soak", ".log");
        ProcessBuilder builder = new ProcessBuilder(command(seconds, directory))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().put("OMP_NUM_THREADS", "1");
        builder.environment().put("OMP_WAIT_POLICY", "PASSIVE");
        builder.environment().put("OPENBLAS_NUM_THREADS", "1");
        Process process = builder.start();
        try {
            if (!process.waitFor(seconds + PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new IllegalStateException(this + " did not end; its output is in " + log);
            }
        } finally {
            process.destroyForcibly();
        }
        List<String> lines = Files.readAllLines(log);
        boolean crashed = lines.stream().anyMatch(line -> line.contains(CRASH));
        if (!crashed && process.exitValue() != 0) {
            throw new IllegalStateException(this + " ended with " + process.exitValue() + "; its output is in " + log);
        }
        if (!crashed) {
            Files.delete(log);
        }
        return outcome(crashed, lines);
    }

    private List<String> command(int seconds, Path directory) {
        List<String> command = new ArrayList<>();
        command.add(java.resolve("bin").resolve("java").toString());
        command.addAll(JvmFlags.STANDARD);
        command.addAll(List.of("-XX:+Use" + collector + "GC", "-XX:-CreateCoredumpOnCrash"));
        command.add("-XX:ErrorFile=" + directory.resolve("crash%p.log"));
        command.addAll(flags);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), SoakRun.class.getName()));
        command.addAll(List.of(model.name(), kind.name(), String.valueOf(seconds)));
        if (litter) {
            command.add("litter");
        }
        return command;
    }

    private static Outcome outcome(boolean crashed, List<String> lines) {
        String[] last = lines.stream()
                .filter(line -> line.startsWith(SoakProgress.WORD + " "))
                .reduce((first, second) -> second)
                .orElse(SoakProgress.WORD + " 0 0 0")
                .split(" ", 4);
        return new Outcome(crashed, Long.parseLong(last[1]), Long.parseLong(last[2]), Double.parseDouble(last[3]));
    }
}
