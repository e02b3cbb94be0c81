package io.gyre.samples.train;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;

/** The processes that descend from one start, whoever their parents are: they inherit a variable, the mark. */
final class MarkedProcesses {

    private static final String VARIABLE = "GYRE_TEST_MARK";

    private final String mark = UUID.randomUUID().toString();

    /** Adds the mark to the variables of the first process. */
    void mark(Map<String, String> environment) {
        environment.put(VARIABLE, mark);
    }

    /** Those that run. */
    Stream<ProcessHandle> all() {
        return ProcessHandle.allProcesses()
                .filter(handle -> environment(handle.pid()).contains(VARIABLE + "=" + mark));
    }

    /** The JVMs of ranks among them. */
    Stream<ProcessHandle> ranks() {
        return all().filter(
                        handle -> environment(handle.pid()).stream().anyMatch(entry -> entry.startsWith("GYRE_RANK="))
                                && handle.info().command().orElse("").endsWith("java"));
    }

    /** Process id of a running rank. */
    long rank(int rank) {
        String variable = "GYRE_RANK=" + rank;
        return ranks().filter(handle -> environment(handle.pid()).contains(variable))
                .findFirst()
                .orElseThrow(() -> new AssertionError("rank " + rank + " does not run"))
                .pid();
    }

    /** Process id of a running process of a run with seats, by its number on this host. */
    long process(int number) {
        String variable = "GYRE_LOCAL_RANK=" + number;
        return all().filter(
                        handle -> environment(handle.pid()).stream().anyMatch(entry -> entry.startsWith("GYRE_SEATS="))
                                && environment(handle.pid()).contains(variable)
                                && handle.info().command().orElse("").endsWith("java"))
                .findFirst()
                .orElseThrow(() -> new AssertionError("process " + number + " does not run"))
                .pid();
    }

    void kill() {
        all().forEach(ProcessHandle::destroyForcibly);
    }

    /** Whether none runs. Fails if none runs and one of these ranks has left files in shared memory. */
    boolean areGone(List<Long> ranks) {
        if (all().anyMatch(ProcessHandle::isAlive)) {
            return false;
        }
        try (DirectoryStream<Path> homes = Files.newDirectoryStream(Path.of("/dev/shm"), "gyre-*")) {
            for (Path home : homes) {
                for (long pid : ranks) {
                    try (DirectoryStream<Path> left = Files.newDirectoryStream(home, pid + "-*")) {
                        left.forEach(path -> {
                            throw new AssertionError("left behind: " + path);
                        });
                    }
                }
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return true;
    }

    /** Not the arguments: long ones are truncated. */
    static List<String> environment(long pid) {
        try {
            byte[] bytes = Files.readAllBytes(Path.of("/proc", String.valueOf(pid), "environ"));
            return Arrays.asList(new String(bytes, StandardCharsets.UTF_8).split("\0", -1));
        } catch (IOException ended) {
            return List.of();
        }
    }
}
