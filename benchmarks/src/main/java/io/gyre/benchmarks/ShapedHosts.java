package io.gyre.benchmarks;

import io.gyre.GyreException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Simulated hosts: network namespaces on one switch, each with an address and a link with a rate in each direction.
 * Linux only, needs root.
 *
 * <p>A packet waits in the sender's queue, as before a network card, and then at the switch for the receiver's link, so
 * that several senders to one host share its rate. Both queues are longer than what Gyre has in flight: nothing is
 * lost.
 */
final class ShapedHosts implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ShapedHosts.class);

    /** Network interface of each host. */
    static final String INTERFACE = "e0";

    private static final String PREFIX = "gyre-scaling-";
    private static final int LONGEST_MESSAGE = 2_000;
    private static final int PROBED_MTU = 1_500;

    private final String names;
    private final int count;

    private ShapedHosts(int count) {
        this.count = count;
        names = PREFIX + ProcessHandle.current().pid() + "-";
    }

    /** Why there can be none on this machine; empty if there can. */
    static Optional<String> obstacle() {
        if (!"root".equals(System.getProperty("user.name"))) {
            return Optional.of(
                    "hosts are network namespaces, and need root: run it with sudo, or inside 'unshare -rmn'");
        }
        for (String program : List.of("ip", "tc")) {
            try {
                run(List.of(program, "-V"));
            } catch (GyreException e) {
                LOG.debug("no {}", program, e);
                return Optional.of("there is no " + program + ": install iproute2");
            }
        }
        try (ShapedHosts hosts = open(1, PROBED_MTU)) {
            hosts.shape(1e9);
        } catch (GyreException e) {
            return Optional.of("this system allows no network namespaces with shaped links: " + e.getMessage());
        }
        return Optional.empty();
    }

    /** Creates hosts whose links have no rate limit yet, after removing what killed runs have left. */
    static ShapedHosts open(int count, int mtu) {
        removeLeftovers();
        ShapedHosts hosts = new ShapedHosts(count);
        try {
            hosts.make(mtu);
        } catch (GyreException e) {
            hosts.close();
            throw e;
        }
        return hosts;
    }

    private void make(int mtu) {
        String network = names + "switch";
        run(List.of("ip", "netns", "add", network));
        run(inside(network, "ip", "link", "add", "switch", "type", "bridge"));
        run(inside(network, "ip", "link", "set", "switch", "up"));
        for (int host = 0; host < count; host++) {
            String port = "p" + host;
            run(List.of("ip", "netns", "add", name(host)));
            run(words("ip link add " + INTERFACE + " netns " + name(host) + " type veth peer name " + port + " netns "
                    + network));
            run(inside(network, words("ip link set " + port + " mtu " + mtu + " master switch up")));
            run(inside(name(host), words("ip link set lo up")));
            run(inside(name(host), words("ip addr add " + address(host) + "/16 dev " + INTERFACE)));
            run(inside(name(host), words("ip link set " + INTERFACE + " mtu " + mtu + " up")));
        }
    }

    /** Limits the rate of all links, in each direction. */
    void shape(double bitsPerSecond) {
        String queue = String.format(Locale.ROOT, "tbf rate %.0fbit burst 32kb limit 16mb", bitsPerSecond);
        for (int host = 0; host < count; host++) {
            run(inside(name(host), words("tc qdisc replace dev " + INTERFACE + " root " + queue)));
            run(inside(names + "switch", words("tc qdisc replace dev p" + host + " root " + queue)));
        }
    }

    /** Address of a host, from 0. */
    String address(int host) {
        return "10.77." + host / 250 + "." + (host % 250 + 1);
    }

    /** Name of a host, from 0. */
    String name(int host) {
        return names + host;
    }

    /** Wraps a command to run it on a host. */
    List<String> on(int host, List<String> command) {
        return inside(name(host), command);
    }

    private static List<String> inside(String space, String... command) {
        return inside(space, List.of(command));
    }

    private static List<String> inside(String space, List<String> command) {
        List<String> whole = new ArrayList<>(List.of("ip", "netns", "exec", space));
        whole.addAll(command);
        return whole;
    }

    private static List<String> words(String line) {
        return Arrays.asList(line.split(" ", -1));
    }

    /** Removes all hosts; processes that still run there lose their network. A second call does nothing. */
    @Override
    public void close() {
        for (String space : spaces()) {
            if (space.startsWith(names)) {
                remove(space);
            }
        }
    }

    private static void remove(String space) {
        try {
            run(List.of("ip", "netns", "delete", space));
        } catch (GyreException e) {
            LOG.warn("a network namespace is left behind: {}", e.getMessage());
        }
    }

    private static List<String> spaces() {
        return run(List.of("ip", "netns", "list"))
                .lines()
                .map(line -> line.split(" ", -1)[0])
                .toList();
    }

    private static void removeLeftovers() {
        for (String space : spaces()) {
            if (space.matches(PREFIX + "\\d+-.*")) {
                long pid = Long.parseLong(space.substring(PREFIX.length(), space.indexOf('-', PREFIX.length())));
                if (ProcessHandle.of(pid).isEmpty()) {
                    remove(space);
                }
            }
        }
    }

    /** Runs a program to its end, and returns what it prints. */
    private static String run(List<String> command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int status = process.waitFor();
            if (status != 0) {
                String message = output.strip();
                throw new GyreException("'" + String.join(" ", command) + "' ended with " + status + ": "
                        + message.substring(0, Math.min(message.length(), LONGEST_MESSAGE)));
            }
            return output;
        } catch (IOException e) {
            throw new GyreException("'" + String.join(" ", command) + "' cannot be run: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new GyreException("interrupted in '" + String.join(" ", command) + "'", e);
        }
    }
}
