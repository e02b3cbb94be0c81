package io.gyre.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.testkit.Eventually;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.spark.launcher.JavaModuleOptions;

/** A standalone cluster of Spark on this host, a master and a worker as processes; ends with the test. */
final class StandaloneCluster implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private final Path directory;
    private final String master;
    private final List<Process> processes = new ArrayList<>();

    private StandaloneCluster(Path directory, String master) {
        this.directory = directory;
        this.master = master;
    }

    /**
     * Starts the two and waits until they know each other.
     *
     * @param cores of the worker
     * @param memory of the worker, as in {@code 2g}
     */
    static StandaloneCluster open(Path directory, int cores, String memory) throws Exception {
        Files.createDirectories(Path.of(System.getenv("SPARK_HOME"), "jars"));
        int port = freePort();
        StandaloneCluster cluster = new StandaloneCluster(directory, "spark://127.0.0.1:" + port);
        try {
            Path log = cluster.start(
                    "org.apache.spark.deploy.master.Master",
                    List.of("--host", "127.0.0.1", "--port", "" + port, "--webui-port", "" + freePort()));
            cluster.start(
                    "org.apache.spark.deploy.worker.Worker",
                    List.of(
                            "--host",
                            "127.0.0.1",
                            "--webui-port",
                            "" + freePort(),
                            "--cores",
                            "" + cores,
                            "--memory",
                            memory,
                            "--work-dir",
                            directory.resolve("work").toString(),
                            cluster.master));
            Eventually.that("a worker registers", PATIENCE, () -> text(log).contains("Registering worker"));
            return cluster;
        } catch (Exception | AssertionError e) {
            cluster.close();
            throw e;
        }
    }

    /**
     * Runs {@code spark-submit} in client mode to its end.
     *
     * @param arguments between the master and the program's own, both included
     * @return its output
     */
    String submit(List<String> arguments) throws Exception {
        List<String> all = new ArrayList<>(List.of("--master", master));
        all.addAll(arguments);
        Path log = start("org.apache.spark.deploy.SparkSubmit", all);
        Process submit = processes.get(processes.size() - 1);
        assertThat(submit.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(submit.exitValue()).as(text(log)).isZero();
        return text(log);
    }

    private static String text(Path log) {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the file with its output. */
    private Path start(String main, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx1g"));
        command.addAll(List.of(JavaModuleOptions.defaultModuleOptions().trim().split("\\s+")));
        command.addAll(List.of("-cp", LocalSpark.classPath(), main));
        command.addAll(arguments);
        Path log = directory.resolve(main.substring(main.lastIndexOf('.') + 1) + ".log");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().put("SPARK_LOCAL_DIRS", directory.toString());
        processes.add(builder.start());
        return log;
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    @Override
    public void close() {
        for (Process process : processes) {
            process.descendants().forEach(ProcessHandle::destroy);
            process.destroy();
        }
        for (Process process : processes) {
            Eventually.that("process " + process.pid() + " ends", PATIENCE, () -> !process.isAlive());
        }
    }
}
