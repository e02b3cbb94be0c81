package io.gyre.benchmarks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Processes that waste processor time, so that others wait for a processor as on a busy host. */
final class BusyLoad implements AutoCloseable {

    private final List<Process> processes = new ArrayList<>();

    /** Starts {@code count} processes; may be 0. */
    void start(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            processes.add(new ProcessBuilder("sh", "-c", "while :; do :; done").start());
        }
    }

    @Override
    public void close() {
        processes.forEach(Process::destroyForcibly);
        processes.forEach(process -> process.onExit().join());
    }
}
