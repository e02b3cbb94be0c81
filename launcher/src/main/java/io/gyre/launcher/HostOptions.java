package io.gyre.launcher;

import io.gyre.transport.GyreVariable;
import io.gyre.transport.HostList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** The options of a command that starts ranks for where they run, and how they reach each other. */
public final class HostOptions {

    @Option(
            names = "--hosts",
            paramLabel = "HOSTS",
            description = "Hosts, reached by ssh: a,b or n[1-4]. Ranks are assigned in order. Default: this host.")
    private String hosts = "";

    @Option(
            names = "--interface",
            paramLabel = "NAME",
            description = "Network interface over which ranks on several hosts reach each other, such as ib0. Default:"
                    + " that of the route to the host where they meet.")
    private String networkInterface = "";

    /**
     * The hosts, in order; empty for this one.
     *
     * @throws IllegalArgumentException if the list is malformed
     */
    public List<String> hosts() {
        return hosts.isEmpty() ? List.of() : HostList.expand(hosts);
    }

    /** Returns the plan with these hosts and this interface. */
    public LaunchPlan of(LaunchPlan plan) {
        Map<String, String> environment = new HashMap<>(plan.environment());
        if (!networkInterface.isEmpty()) {
            GyreVariable.BIND.put(environment, networkInterface);
        }
        return plan.withHosts(hosts()).withEnvironment(environment);
    }
}
