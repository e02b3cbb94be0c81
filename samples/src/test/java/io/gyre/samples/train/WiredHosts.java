package io.gyre.samples.train;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Two hosts and whoever sits on the wire between them: three network namespaces. The one in the middle has the address
 * of the other host on each side, and forwards nothing: all that passes is what a {@link Wire} there sends on. Needs
 * root.
 */
final class WiredHosts implements AutoCloseable {

    static final List<String> ADDRESSES = List.of("10.78.0.1", "10.78.0.2");
    static final int RENDEZVOUS_PORT = 45_000;

    private static final int MIDDLE = 2;

    private final String names = "gyre-wire-" + ProcessHandle.current().pid() + "-";

    private WiredHosts() {}

    /** Why there can be none on this machine; empty if there can. */
    static Optional<String> obstacle() {
        try (WiredHosts hosts = open()) {
            hosts.run(hosts.on(MIDDLE, "ip", "addr"));
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of("no network namespaces, which need root and iproute2: " + e.getMessage());
        }
    }

    static WiredHosts open() throws IOException {
        WiredHosts hosts = new WiredHosts();
        try {
            hosts.make();
        } catch (IOException e) {
            hosts.close();
            throw e;
        }
        return hosts;
    }

    private void make() throws IOException {
        for (int space = 0; space <= MIDDLE; space++) {
            run(List.of("ip", "netns", "add", names + space));
        }
        run(on(MIDDLE, "ip", "link", "set", "lo", "up"));
        for (int host = 0; host < MIDDLE; host++) {
            String port = "p" + host;
            run(on(MIDDLE, words("ip link add " + port + " type veth peer name e0 netns " + names + host)));
            run(on(host, words("ip link set lo up")));
            run(on(host, words("ip addr add " + ADDRESSES.get(host) + "/24 dev e0")));
            run(on(host, words("ip link set e0 up")));
            run(on(MIDDLE, words("ip addr add " + ADDRESSES.get(1 - host) + "/32 dev " + port)));
            run(on(MIDDLE, words("ip link set " + port + " up")));
            // What it sends goes out to the host, though it has that address itself.
            run(on(MIDDLE, words("ip route add " + ADDRESSES.get(host) + "/32 dev " + port + " table 77")));
            setForAddressesOfItsOwn(port);
        }
        setForAddressesOfItsOwn("all");
        run(on(MIDDLE, words("ip rule add pref 100 lookup local")));
        run(on(MIDDLE, words("ip rule add pref 10 iif lo lookup 77")));
        run(on(MIDDLE, words("ip rule del pref 0")));
    }

    /** Accepts datagrams from others that come from an address which this host has, too. */
    private void setForAddressesOfItsOwn(String port) throws IOException {
        String directory = "/proc/sys/net/ipv4/conf/" + port;
        run(on(MIDDLE, "sh", "-c", "echo 1 >" + directory + "/accept_local && echo 0 >" + directory + "/rp_filter"));
    }

    /** Runs what follows on a host. */
    List<String> on(int host, String... command) {
        List<String> whole = new ArrayList<>(List.of("ip", "netns", "exec", names + host));
        whole.addAll(List.of(command));
        return whole;
    }

    /** Runs what follows on the wire. */
    List<String> onWire() {
        return on(MIDDLE);
    }

    private static String[] words(String line) {
        return Arrays.stream(line.split(" ", -1)).toArray(String[]::new);
    }

    private void run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new IOException("'" + String.join(" ", command) + "': " + output.strip());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted in '" + String.join(" ", command) + "'", e);
        }
    }

    @Override
    public void close() {
        for (int space = 0; space <= MIDDLE; space++) {
            try {
                run(List.of("ip", "netns", "delete", names + space));
            } catch (IOException e) {
                System.err.println("a network namespace is left behind: " + e.getMessage());
            }
        }
    }
}
