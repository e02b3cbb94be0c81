package io.gyre.samples.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A {@link Wire} that runs between two ranks. */
final class WireProcess implements AutoCloseable {

    private final Path output;
    private final Path recording;
    private final Process process;

    /**
     * Starts it.
     *
     * @param run both ranks have been started
     * @param replayed recordings of earlier runs: none, or one
     */
    WireProcess(WiredHosts hosts, Path directory, TwoRanks run, Tampering tampering, Path... replayed)
            throws IOException {
        output = Files.createTempFile(directory, "wire", ".txt");
        recording = Files.createTempFile(directory, "wire", ".recording");
        List<String> command = new ArrayList<>(hosts.onWire());
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"));
        command.add(System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
        command.addAll(List.of(Wire.class.getName(), tampering.name()));
        command.addAll(List.of(
                String.valueOf(run.rank(0).pid()), String.valueOf(run.rank(1).pid()), recording.toString()));
        for (Path each : replayed) {
            command.add(each.toString());
        }
        process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
    }

    /** All that has passed. */
    Path recording() {
        return recording;
    }

    String output() throws IOException {
        return Files.readString(output);
    }

    @Override
    public void close() {
        process.destroyForcibly();
        process.onExit().join();
    }
}
