package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.transport.RunSecret;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A short training of two ranks over UDP, started without a launcher, which always ends with the same parameters unless
 * somebody alters it.
 */
final class TwoRanks implements AutoCloseable {

    /** What the ranks prove to each other and seal with, or that they do not. */
    enum Protection {
        SEALED,
        PLAIN
    }

    private static final String[] TRAINING = {
        "mlp", "-n", "2", "--steps", "60", "--transport", "udp", "--seed", "7", "--peer-timeout", "20"
    };

    private static String cleanHash = "";

    private final Path directory;
    private final InetSocketAddress rendezvous;
    private final List<String> addresses;
    private final List<List<String>> wrappers;
    private final Map<String, String> environment = new HashMap<>();
    private final List<GyreTrain> ranks = new ArrayList<>();

    private TwoRanks(
            Path directory,
            InetSocketAddress rendezvous,
            List<String> addresses,
            List<List<String>> wrappers,
            Protection protection)
            throws IOException {
        this.directory = directory;
        this.rendezvous = rendezvous;
        this.addresses = addresses;
        this.wrappers = wrappers;
        if (protection == Protection.SEALED) {
            environment.put("GYRE_SECRET_FILE", secret(directory).toString());
        } else {
            environment.put("GYRE_TRUSTED_NETWORK", "true");
        }
    }

    private static Path secret(Path directory) {
        Path file = directory.resolve("secret");
        if (!Files.exists(file)) {
            RunSecret.random(new SecureRandom()).write(file);
        }
        return file;
    }

    /** Ranks that will meet on loopback. */
    static TwoRanks onLoopback(Path directory, Protection protection) throws IOException {
        InetAddress loopback = InetAddress.getLoopbackAddress();
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, loopback)) {
            port = free.getLocalPort();
        }
        return new TwoRanks(
                directory,
                new InetSocketAddress(loopback, port),
                List.of(loopback.getHostAddress(), loopback.getHostAddress()),
                List.of(List.of(), List.of()),
                protection);
    }

    /** Ranks that will meet over a wire; with the same directory they have the same secret. */
    static TwoRanks on(WiredHosts hosts, Path directory, Protection protection) throws IOException {
        return new TwoRanks(
                directory,
                new InetSocketAddress(WiredHosts.ADDRESSES.get(0), WiredHosts.RENDEZVOUS_PORT),
                WiredHosts.ADDRESSES,
                List.of(hosts.on(0), hosts.on(1)),
                protection);
    }

    /** Adds a variable, or replaces its value, for ranks that start from now on. */
    TwoRanks with(String variable, String value) {
        environment.put(variable, value);
        return this;
    }

    /** Where the ranks meet. */
    InetSocketAddress rendezvous() {
        return rendezvous;
    }

    /** Starts the next rank. */
    GyreTrain start() throws IOException {
        int rank = ranks.size();
        Map<String, String> own = new HashMap<>(environment);
        own.put("GYRE_RANK", String.valueOf(rank));
        own.put("GYRE_WORLD_SIZE", "2");
        own.put("GYRE_BIND", addresses.get(rank));
        own.put("GYRE_RENDEZVOUS", rendezvous.getAddress().getHostAddress() + ":" + rendezvous.getPort());
        Path place = Files.createTempDirectory(directory, "rank" + rank + "-");
        GyreTrain started = GyreTrain.startBy(wrappers.get(rank), own, place, TRAINING);
        ranks.add(started);
        return started;
    }

    /** Waits until rank 0, which runs already, lets others connect. */
    void awaitRendezvous() {
        ranks.get(0).await(GyreTrain.PATIENCE, "it listens", () -> {
            try (Socket socket = new Socket(rendezvous.getAddress(), rendezvous.getPort())) {
                return socket.isConnected();
            } catch (IOException notYet) {
                return false;
            }
        });
    }

    GyreTrain rank(int rank) {
        return ranks.get(rank);
    }

    boolean isRunning() {
        return ranks.stream().allMatch(GyreTrain::isRunning);
    }

    /** Waits for both ranks and returns what has become of them: the hash of the parameters, or exit statuses. */
    String awaitResult() throws IOException, InterruptedException {
        List<Integer> statuses = new ArrayList<>();
        for (GyreTrain rank : ranks) {
            statuses.add(rank.awaitExit(GyreTrain.PATIENCE));
        }
        if (!statuses.equals(List.of(0, 0))) {
            return "exit statuses " + statuses;
        }
        assertThat(rank(0).report().get("parameters_sha256")).hasSize(2);
        return rank(0).report().get("parameters_sha256").get(0).asText();
    }

    /** What both have printed. */
    String output() {
        StringBuilder all = new StringBuilder();
        ranks.forEach(rank -> all.append("--- a rank:\n").append(rank.output()));
        return all.toString();
    }

    /** Fails unless the run ends as an undisturbed one does. */
    void assertUndisturbed() throws IOException, InterruptedException {
        String result = awaitResult();
        assertThat(result).as(output()).isEqualTo(cleanHash(directory));
        assertThat(output()).doesNotContain("ERROR");
    }

    /** How an undisturbed run ends, on any network. */
    static synchronized String cleanHash(Path directory) throws IOException, InterruptedException {
        if (cleanHash.isEmpty()) {
            try (TwoRanks clean = onLoopback(directory, Protection.PLAIN)) {
                clean.start();
                clean.start();
                String result = clean.awaitResult();
                assertThat(result).as(clean.output()).matches("[0-9a-f]{64}");
                cleanHash = result;
            }
        }
        return cleanHash;
    }

    @Override
    public void close() {
        ranks.forEach(GyreTrain::close);
    }
}
