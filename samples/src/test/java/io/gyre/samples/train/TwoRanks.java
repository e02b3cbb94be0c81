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
import java.util.stream.Collectors;

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

    private static final int STEPS = 30;

    /** Each step sends 2 MB over a {@link Wire}. */
    private static final int STEPS_OVER_WIRE = 8;

    private static final Map<Integer, String> CLEAN_HASHES = new HashMap<>();

    private final Path directory;
    private final int steps;
    private final InetSocketAddress rendezvous;
    private final List<String> addresses;
    private final List<List<String>> wrappers;
    private final Map<String, String> environment = new HashMap<>();
    private final List<GyreTrain> ranks = new ArrayList<>();

    private TwoRanks(
            Path directory,
            int steps,
            InetSocketAddress rendezvous,
            List<String> addresses,
            List<List<String>> wrappers,
            Protection protection)
            throws IOException {
        this.directory = directory;
        this.steps = steps;
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
        return onLoopback(directory, STEPS, protection);
    }

    private static TwoRanks onLoopback(Path directory, int steps, Protection protection) throws IOException {
        InetAddress loopback = InetAddress.getLoopbackAddress();
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, loopback)) {
            port = free.getLocalPort();
        }
        return new TwoRanks(
                directory,
                steps,
                new InetSocketAddress(loopback, port),
                List.of(loopback.getHostAddress(), loopback.getHostAddress()),
                List.of(List.of(), List.of()),
                protection);
    }

    /** Ranks that will meet over a wire; with the same directory they have the same secret. */
    static TwoRanks on(WiredHosts hosts, Path directory, Protection protection) throws IOException {
        return new TwoRanks(
                directory,
                STEPS_OVER_WIRE,
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
        GyreTrain started = GyreTrain.startBy(wrappers.get(rank), own, place, training());
        ranks.add(started);
        return started;
    }

    private String[] training() {
        return ("mlp -n 2 --seed 7 --transport udp --peer-timeout 20 --steps " + steps).split(" ", -1);
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

    /** The errors with which the ranks have ended. */
    String errors() {
        return output().lines().filter(line -> line.startsWith("gyre train:")).collect(Collectors.joining("\n"));
    }

    /** Fails unless the run ends as an undisturbed one does. */
    void assertUndisturbed() throws IOException, InterruptedException {
        String result = awaitResult();
        assertThat(result).as(output()).isEqualTo(cleanHash());
        assertThat(output()).doesNotContain("ERROR");
    }

    /** How this run would end if nobody disturbed it: on any network with the same parameters. */
    String cleanHash() throws IOException, InterruptedException {
        String known = CLEAN_HASHES.get(steps);
        if (known != null) {
            return known;
        }
        try (TwoRanks clean = onLoopback(directory, steps, Protection.PLAIN)) {
            clean.start();
            clean.start();
            String result = clean.awaitResult();
            assertThat(result).as(clean.output()).matches("[0-9a-f]{64}");
            CLEAN_HASHES.put(steps, result);
            return result;
        }
    }

    @Override
    public void close() {
        ranks.forEach(GyreTrain::close);
    }
}
