package io.gyre.samples.train;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/** An sshd of a test's own on two loopback addresses, with a key of its own; ends with the test. */
final class SshDaemon implements AutoCloseable {

    private static final Path SSHD = Path.of("/usr/sbin/sshd");
    private static final Path SSH = Path.of("/usr/bin/ssh");
    private static final long PATIENCE_NANOS = 30_000_000_000L;

    private final Path directory;
    private final int port;
    private final Process daemon;

    private SshDaemon(Path directory, int port, Process daemon) {
        this.directory = directory;
        this.port = port;
        this.daemon = daemon;
    }

    /** Why there can be none here; empty if there can. */
    static Optional<String> obstacle() {
        return Files.isExecutable(SSHD) && Files.isExecutable(SSH)
                ? Optional.empty()
                : Optional.of("there is no " + SSHD + " or no " + SSH);
    }

    static SshDaemon start(Path directory) throws IOException, InterruptedException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
        for (String name : new String[] {"host", "user"}) {
            run(
                    "ssh-keygen",
                    "-q",
                    "-t",
                    "ed25519",
                    "-N",
                    "",
                    "-f",
                    directory.resolve(name).toString());
        }
        Files.copy(directory.resolve("user.pub"), directory.resolve("authorized"));
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        if ("root".equals(System.getProperty("user.name"))) {
            Files.createDirectories(Path.of("/run/sshd"));
        }
        Path configuration = Files.writeString(directory.resolve("sshd_config"), """
                ListenAddress 127.0.0.1:%1$d
                ListenAddress 127.0.0.2:%1$d
                HostKey %2$s/host
                AuthorizedKeysFile %2$s/authorized
                PasswordAuthentication no
                KbdInteractiveAuthentication no
                UsePAM no
                StrictModes no
                PermitRootLogin yes
                PidFile none
                """.formatted(port, directory));
        Process daemon = new ProcessBuilder(SSHD.toString(), "-D", "-e", "-f", configuration.toString())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("log").toFile())
                .start();
        SshDaemon started = new SshDaemon(directory, port, daemon);
        started.awaitListening();
        return started;
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new AssertionError(String.join(" ", command) + ": " + output);
        }
    }

    private void awaitListening() throws IOException {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (true) {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress("127.0.0.2", port), 1_000);
                return;
            } catch (IOException e) {
                if (!daemon.isAlive() || System.nanoTime() - deadline > 0) {
                    close();
                    throw new AssertionError("sshd does not listen: " + Files.readString(directory.resolve("log")), e);
                }
                LockSupport.parkNanos(20_000_000);
            }
        }
    }

    /**
     * Variables with which a program finds an ssh that knows these aliases.
     *
     * @param aliases addresses by name
     */
    Map<String, String> client(Map<String, String> aliases) throws IOException {
        String hosts = aliases.entrySet().stream()
                .map(alias -> "Host " + alias.getKey() + "\n    HostName " + alias.getValue() + "\n")
                .collect(Collectors.joining());
        Files.writeString(directory.resolve("ssh_config"), hosts + """
                Host *
                    Port %d
                    IdentityFile %2$s/user
                    IdentitiesOnly yes
                    UserKnownHostsFile %2$s/known
                    StrictHostKeyChecking no
                    LogLevel ERROR
                """.formatted(port, directory));
        Path bin = Files.createDirectories(directory.resolve("bin"));
        Path ssh = Files.writeString(
                bin.resolve("ssh"), "#!/bin/sh\nexec " + SSH + " -F " + directory + "/ssh_config \"$@\"\n");
        Files.setPosixFilePermissions(ssh, PosixFilePermissions.fromString("rwxr-xr-x"));
        return Map.of("PATH", bin + ":" + System.getenv("PATH"));
    }

    @Override
    public void close() {
        daemon.destroy();
        try {
            if (!daemon.waitFor(10, TimeUnit.SECONDS)) {
                daemon.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
