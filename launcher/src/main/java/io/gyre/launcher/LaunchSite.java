package io.gyre.launcher;

import io.gyre.transport.GyreVariable;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.OwnAddress;
import io.gyre.transport.RunSecret;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where the processes of a run are, and where they meet.
 *
 * @param places of the processes
 * @param hosts addresses of this run's hosts; empty if there is only this one
 * @param bind where the launcher listens for them
 * @param secret what a process with the launcher's token reads: the token, together with the user's secret if there is
 *     one
 * @param joinTimeout how long a process waits for the others
 */
record LaunchSite(
        List<Placement> places,
        Optional<HostAddresses> hosts,
        InetSocketAddress bind,
        RunSecret secret,
        Duration joinTimeout) {

    /** The default: a process that has not joined by then hangs. */
    private static final Duration JOIN_TIMEOUT = Duration.ofSeconds(60);

    /**
     * Finds places and addresses.
     *
     * @param token of the run
     * @param terminal hears what was chosen, and of a network that is declared trusted
     * @throws IllegalArgumentException if the program or a host does not exist, or the user's secret cannot be used
     */
    static LaunchSite of(LaunchPlan plan, RunSecret token, Terminal terminal) {
        List<Placement> places = places(plan);
        if (places.stream().anyMatch(Placement::here)) {
            plan.program().checkPresent();
        }
        Map<String, String> environment = new HashMap<>(System.getenv());
        environment.putAll(plan.environment());
        Optional<String> bind = GyreVariable.BIND.text(environment);
        Optional<HostAddresses> hosts = places.stream().allMatch(Placement::here)
                ? Optional.empty()
                : Optional.of(new HostAddresses(places, bind));
        hosts.ifPresent(chosen -> terminal.say(chosen.toString()));
        // At loopback, unless a rank on another host must reach it.
        String own = hosts.map(HostAddresses::own)
                .or(() -> bind.map(name -> OwnAddress.named(name).address().getHostAddress()))
                .orElse("127.0.0.1");
        if (GyreVariable.TRUSTED_NETWORK.flag(environment).orElse(false)) {
            terminal.say(GyreVariable.TRUSTED_NETWORK
                    + "=true: whoever reaches the network of the ranks can read and alter what they exchange");
        }
        // Another run's, if this process is itself a rank.
        environment.remove(GyreVariable.TOKEN_FILE.key());
        return new LaunchSite(
                places,
                hosts,
                new InetSocketAddress(own, plan.port()),
                RunSecret.fromEnvironment(environment)
                        .map(users -> users.and(token))
                        .orElse(token),
                JoinOptions.joinTimeout(environment).orElse(JOIN_TIMEOUT));
    }

    private static List<Placement> places(LaunchPlan plan) {
        return plan.hosts().isEmpty()
                ? Placement.spread(plan.ranks(), List.of(HostAddress.ownName()), host -> true)
                : Placement.spread(plan.ranks(), plan.hosts(), HostAddress::isOwn);
    }
}
