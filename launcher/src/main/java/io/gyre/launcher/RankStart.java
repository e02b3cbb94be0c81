package io.gyre.launcher;

import io.gyre.transport.GyreVariable;
import io.gyre.transport.OwnAddress;
import io.gyre.transport.RunSecret;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How one rank is started.
 *
 * @param command here, or over ssh
 * @param variables added to its environment
 * @param ownsTerminal whether it writes to this process's streams itself
 */
record RankStart(Placement place, List<String> command, Map<String, String> variables, boolean ownsTerminal) {

    /** Names of the variables that a process from elsewhere has in common with those of the launcher. */
    private static final Set<String> OF_NEWCOMERS = Set.of(
            GyreVariable.SEATS.key(),
            GyreVariable.RENDEZVOUS.key(),
            GyreVariable.TRANSPORT.key(),
            GyreVariable.LOCAL_SIZE.key(),
            GyreVariable.JOIN_TIMEOUT.key(),
            GyreVariable.TRUSTED_NETWORK.key(),
            GyreVariable.BACKEND.key(),
            GyreVariable.RUN_DIR.key(),
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "OMP_WAIT_POLICY");

    /**
     * A rank of a run that this process hosts.
     *
     * @param hosts addresses of this run's hosts; empty if there is only this one
     */
    static RankStart of(
            Placement place, LaunchPlan plan, String rendezvous, Optional<HostAddresses> hosts, boolean ownsTerminal) {
        Map<String, String> variables =
                variables(place, plan, rendezvous, Runtime.getRuntime().availableProcessors());
        if (hosts.isPresent()) {
            // An interface has the same name everywhere, and an address of its own on each host.
            Optional<String> ofAll = GyreVariable.BIND.text(variables).filter(OwnAddress::isInterface);
            GyreVariable.BIND.put(variables, ofAll.orElseGet(() -> hosts.get().of(place)));
            GyreVariable.HOST_ID.put(variables, place.host());
        }
        List<String> java = java(place, plan);
        return new RankStart(
                place,
                place.here()
                        ? RankCommand.here(directory(), java)
                        : RankCommand.over(place.host(), variables, directory(), java),
                variables,
                ownsTerminal);
    }

    /** A rank as which another launcher has started this process. */
    static RankStart launched(Placement place, LaunchPlan plan, String rendezvous, int cores) {
        return new RankStart(
                place,
                RankCommand.withoutToken(directory(), java(place, plan)),
                variables(place, plan, rendezvous, cores),
                true);
    }

    /**
     * What a process from elsewhere is told to be one of a run with seats as those that the launcher starts.
     *
     * @param place of one of these
     */
    static Map<String, String> ofNewcomers(Placement place, LaunchPlan plan, String rendezvous) {
        Placement here = new Placement(0, place.size(), HostAddress.ownName(), true, 0, place.localSize());
        Map<String, String> all =
                variables(here, plan, rendezvous, Runtime.getRuntime().availableProcessors());
        all.keySet().retainAll(OF_NEWCOMERS);
        return all;
    }

    /** A process of a run with seats that another launcher has started, with what that has told. */
    static RankStart newcomer(LaunchPlan plan, Map<String, String> told) {
        int sharing = GyreVariable.LOCAL_SIZE.number(told).orElse(1);
        Placement place = new Placement(0, 1, HostAddress.ownName(), true, 0, sharing);
        Map<String, String> variables = new LinkedHashMap<>(plan.environment());
        variables.putAll(told);
        GyreVariable.LOCAL_RANK.put(variables, 0);
        GyreVariable.GRACE.put(variables, GroupGuard.seconds(plan.grace()));
        return new RankStart(place, RankCommand.here(directory(), java(place, plan)), variables, true);
    }

    private static Map<String, String> variables(Placement place, LaunchPlan plan, String rendezvous, int cores) {
        // With fewer processes than seats too, a rank computes with as many threads: otherwise its sums would round
        // in another way.
        OptionalInt ranksOnHost = plan.ranksOnEachHost();
        Placement sharing = ranksOnHost.isPresent() ? place.with(ranksOnHost.getAsInt()) : place;
        Map<String, String> variables = new LinkedHashMap<>(
                RankEnvironment.of(sharing, rendezvous, plan.transport().toString(), cores, System.getenv()));
        GyreVariable.GRACE.put(variables, GroupGuard.seconds(plan.grace()));
        variables.putAll(RankEnvironment.device(place, plan.devices()));
        variables.putAll(plan.environment());
        plan.seats().ifPresent(seats -> {
            // Which ranks it holds, it learns when it joins.
            variables.remove(GyreVariable.RANK.key());
            variables.remove(GyreVariable.WORLD_SIZE.key());
            GyreVariable.SEATS.put(variables, seats.seats());
        });
        return variables;
    }

    /** The same start, of a process that the launcher counts otherwise. */
    RankStart at(Placement other) {
        return new RankStart(other, command, variables, ownsTerminal);
    }

    private static String directory() {
        return Path.of("").toAbsolutePath().toString();
    }

    private static List<String> java(Placement place, LaunchPlan plan) {
        List<String> java = new ArrayList<>();
        java.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        java.addAll(JvmFlags.STANDARD);
        java.addAll(RankMemory.flags(place.localSize()));
        java.addAll(plan.program().entry());
        java.addAll(plan.program().arguments());
        return java;
    }

    /**
     * Starts it.
     *
     * @param token of the run; null if another launcher has started the ranks
     */
    RankProcess process(@Nullable RunSecret token, Terminal terminal) throws IOException {
        return RankProcess.start(place, command, variables, token, terminal, ownsTerminal);
    }
}
