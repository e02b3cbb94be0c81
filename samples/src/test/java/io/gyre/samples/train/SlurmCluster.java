package io.gyre.samples.train;

import java.io.IOException;
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
import java.util.stream.Stream;

/**
 * A cluster of SLURM with two nodes, which are both this host; ends with the test. Its daemons need root, and keep all
 * their files in the test's directory.
 */
final class SlurmCluster implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(1);

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
                AuthInfo=socket=%2$s/munge.socket
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
                MpiDefault=none
                JobAcctGatherType=jobacct_gather/none
                AccountingStorageType=accounting_storage/none
                ReturnToService=2
                NodeName=n1 NodeHostname=%1$s NodeAddr=127.0.0.1 Port=%4$d CPUs=2 RealMemory=1000 State=UNKNOWN
                NodeName=n2 NodeHostname=%1$s NodeAddr=127.0.0.1 Port=%5$d CPUs=2 RealMemory=1000 State=UNKNOWN
                PartitionName=p Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES
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
        await("munged", () -> Files.exists(directory.resolve("munge.socket")));
        daemon("slurmctld", "/usr/sbin/slurmctld", "-D");
        daemon("n1", "/usr/sbin/slurmd", "-D", "-N", "n1");
        daemon("n2", "/usr/sbin/slurmd", "-D", "-N", "n2");
        await(
                "two idle nodes",
                () -> output("sinfo", "-h", "-t", "idle", "-o", "%D").strip().equals("2"));
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

    /** What a command of SLURM prints. */
    String output(String... command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment());
        Process process = builder.start();
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    private interface Condition {
        boolean isMet() throws IOException;
    }

    private void await(String what, Condition condition) throws IOException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.isMet()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("no " + what + " after " + PATIENCE + ":\n" + logs());
            }
            LockSupport.parkNanos(100_000_000);
        }
    }

    private String logs() throws IOException {
        StringBuilder all = new StringBuilder();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.filter(path -> path.toString().matches(".*\\.(log|out)"))
                    .toList()) {
                all.append(file.getFileName()).append(":\n").append(Files.readString(file));
            }
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
