package io.gyre.samples.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * A cluster of SLURM with two nodes, which are both this host and are called by its addresses. Jobs of the partition
 * {@code urgent} preempt those of the other one. Ends with the test. Its daemons need root, and keep all their files in
 * the test's directory.
 */
final class SlurmCluster implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private final Path directory;
    private final List<Process> daemons = new ArrayList<>();

    private SlurmCluster(Path directory) {
        this.directory = directory;
    }

    /** Why there can be none here; empty if there can. */
    static Optional<String> obstacle() {
        if (!"root".equals(System.getProperty("user.name"))) {
            return Optional.of("SLURM's daemons need root");
        }
        return Stream.of("munged", "slurmctld", "slurmd")
                .filter(program -> !Files.isExecutable(Path.of("/usr/sbin", program)))
                .map(program -> "there is no /usr/sbin/" + program)
                .findFirst();
    }

    static SlurmCluster open(Path directory) throws IOException, InterruptedException {
        SlurmCluster cluster = new SlurmCluster(directory);
        try {
            cluster.start();
            return cluster;
        } catch (IOException | InterruptedException | RuntimeException | AssertionError e) {
            cluster.close();
            throw e;
        }
    }

    private void start() throws IOException, InterruptedException {
        byte[] key = new byte[128];
        new SecureRandom().nextBytes(key);
        Path keyFile = Files.write(directory.resolve("munge.key"), key);
        Files.setPosixFilePermissions(keyFile, PosixFilePermissions.fromString("rw-------"));
        String host = InetAddress.getLocalHost().getHostName();
        Files.writeString(configuration(), """
                ClusterName=gyre
                SlurmctldHost=%1$s(127.0.0.1)
                SlurmUser=root
                AuthType=auth/munge
                AuthInfo=socket=%2$s/munge.socket,cred_expire=15
                StateSaveLocation=%2$s/state
                SlurmdSpoolDir=%2$s/spool.%%n
                SlurmctldPidFile=%2$s/slurmctld.pid
                SlurmdPidFile=%2$s/slurmd.%%n.pid
                SlurmctldLogFile=%2$s/slurmctld.log
                SlurmdLogFile=%2$s/slurmd.%%n.log
                SlurmctldPort=%3$d
                ProctrackType=proctrack/pgid
                TaskPlugin=task/none
                SelectType=select/cons_tres
                SelectTypeParameters=CR_Core
                SchedulerParameters=bf_interval=1,sched_interval=2
                PreemptType=preempt/partition_prio
                PreemptMode=REQUEUE
                MpiDefault=none
                JobAcctGatherType=jobacct_gather/none
                AccountingStorageType=accounting_storage/none
                ReturnToService=2
                NodeName=127.0.0.1 NodeHostname=%1$s NodeAddr=127.0.0.1 Port=%4$d CPUs=2 RealMemory=2048 State=UNKNOWN
                NodeName=127.0.0.2 NodeHostname=%1$s NodeAddr=127.0.0.2 Port=%5$d CPUs=2 RealMemory=2048 State=UNKNOWN
                PartitionName=p Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES PriorityTier=1
                PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2
                """.formatted(host, directory, freePort(), freePort(), freePort()));
        Files.createDirectories(directory.resolve("state"));
        daemon(
                "munged",
                "/usr/sbin/munged",
                "-F",
                "--force",
                "--key-file=" + keyFile,
                "--socket=" + directory.resolve("munge.socket"),
                "--pid-file=" + directory.resolve("munge.pid"),
                "--seed-file=" + directory.resolve("munge.seed"),
                "--log-file=" + directory.resolve("munge.log"));
        await("munged listens", () -> Files.exists(directory.resolve("munge.socket")));
        daemon("slurmctld", "/usr/sbin/slurmctld", "-D");
        daemon("node1", "/usr/sbin/slurmd", "-D", "-N", "127.0.0.1");
        daemon("node2", "/usr/sbin/slurmd", "-D", "-N", "127.0.0.2");
        await(
                "two nodes are idle",
                () -> output("sinfo", "-h", "-p", "p", "-t", "idle", "-o", "%D")
                        .strip()
                        .equals("2"));
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    private Path configuration() {
        return directory.resolve("slurm.conf");
    }

    /** For its commands. */
    Map<String, String> environment() {
        return Map.of("SLURM_CONF", configuration().toString());
    }

    private void daemon(String name, String... command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve(name + ".out").toFile());
        builder.environment().putAll(environment());
        daemons.add(builder.start());
    }

    /** A command of SLURM. */
    ProcessBuilder command(String... words) {
        ProcessBuilder builder = new ProcessBuilder(words);
        builder.environment().putAll(environment());
        return builder;
    }

    /** What a command of SLURM prints. */
    String output(String... words) {
        try {
            return outputOf(command(words));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What a process prints until it ends. */
    static String outputOf(ProcessBuilder builder) throws IOException {
        Process process = builder.redirectErrorStream(true).start();
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    private void await(String what, BooleanSupplier condition) {
        await(
                what,
                () -> {
                    if (!daemons.stream().allMatch(Process::isAlive)) {
                        throw new AssertionError("a daemon has ended before " + what + ":\n" + logs());
                    }
                    return condition.getAsBoolean();
                },
                this::logs);
    }

    /**
     * Waits until a condition is met.
     *
     * @param seen for the message if it is not, what there is to see
     */
    void await(String what, BooleanSupplier condition, Supplier<String> seen) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("waited " + PATIENCE + " in vain until " + what + ":\n" + seen.get());
            }
            LockSupport.parkNanos(100_000_000);
        }
    }

    private String logs() {
        StringBuilder all = new StringBuilder();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.filter(path -> path.toString().matches(".*\\.(log|out)"))
                    .toList()) {
                all.append(file.getFileName()).append(":\n").append(Files.readString(file));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return all.toString();
    }

    @Override
    public void close() {
        for (int i = daemons.size() - 1; i >= 0; i--) {
            daemons.get(i).destroy();
        }
        for (Process daemon : daemons) {
            try {
                if (!daemon.waitFor(10, TimeUnit.SECONDS)) {
                    daemon.destroyForcibly();
                }
            } catch (InterruptedException e) {
                daemon.destroyForcibly();
                Thread.currentThread().interrupt();
            }
        }
    }
}
