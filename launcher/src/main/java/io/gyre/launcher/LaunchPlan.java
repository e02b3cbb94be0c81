package io.gyre.launcher;

import io.gyre.OptionRange;
import io.gyre.signals.GracefulStop;
import io.gyre.transport.GyreVariable;
import io.gyre.transport.TransportMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Which program to start, how many ranks of it, and where.
 *
 * @param program program of each rank
 * @param ranks how many, at least 1
 * @param hosts where, in order; empty for this host. At most one per rank
 * @param transport network among the ranks
 * @param port where the ranks find the rendezvous; 0 for any free one
 * @param environment additional variables for every rank
 * @param devices GPUs to share out among the ranks of each host, as {@code CUDA_VISIBLE_DEVICES} names them; empty to
 *     leave that variable alone
 * @param rootOwnsTerminal on a terminal, rank 0 writes to it directly, so that it may draw a progress bar
 * @param restarts how often a lost expendable rank, or process of a run with seats, is restarted
 * @param grace how long ranks have to end when the launcher is stopped, before they are killed
 * @param seats processes hold the ranks, which survive them; {@code ranks} is then the number of processes
 * @param groups each group of ranks has seats; {@code ranks} is then the number of processes, servers included
 */
public record LaunchPlan(
        JavaProgram program,
        int ranks,
        List<String> hosts,
        TransportMode transport,
        int port,
        Map<String, String> environment,
        List<String> devices,
        boolean rootOwnsTerminal,
        int restarts,
        Duration grace,
        Optional<SeatPlan> seats,
        Optional<GroupPlan> groups) {

    /** Most restarts of a rank: the rendezvous admits it no more often. */
    public static final int MOST_RESTARTS = 100;

    public LaunchPlan {
        hosts = List.copyOf(hosts);
        environment = Map.copyOf(environment);
        devices = List.copyOf(devices);
        if (ranks < 1) {
            throw new IllegalArgumentException(ranks + " ranks: at least 1 is needed");
        }
        OptionRange.check("--port", port, 0, 65_535);
        OptionRange.check("--restarts", restarts, 0, MOST_RESTARTS);
        OptionRange.check("--grace", grace.toSeconds(), 0, 1_000_000);
        checkHosts(ranks, hosts);
    }

    private static void checkHosts(int ranks, List<String> hosts) {
        if (hosts.size() > ranks) {
            throw new IllegalArgumentException(hosts.size() + " hosts for " + ranks + (ranks == 1 ? " rank" : " ranks")
                    + ": give at least one rank per host, or fewer hosts");
        }
        Set<String> seen = new HashSet<>();
        for (String host : hosts) {
            // A name that begins with a hyphen would be an option to ssh.
            if (!host.matches("[A-Za-z0-9_:.][A-Za-z0-9_:.@%-]*")) {
                throw new IllegalArgumentException("\"" + host + "\" is not the name of a host");
            }
            if (!seen.add(host)) {
                throw new IllegalArgumentException("host " + host + " is named twice");
            }
        }
    }

    /** Ranks on this host, over the transport chosen automatically. */
    public static LaunchPlan of(JavaProgram program, int ranks) {
        return new Draft(program, ranks).plan();
    }

    /** Returns a copy of this plan, on these hosts. */
    public LaunchPlan withHosts(List<String> names) {
        return with(draft -> draft.hosts = names);
    }

    /** Returns a copy of this plan, over another transport. */
    public LaunchPlan withTransport(TransportMode mode) {
        return with(draft -> draft.transport = mode);
    }

    /** Returns a copy of this plan, with the rendezvous at another port. */
    public LaunchPlan withPort(int number) {
        return with(draft -> draft.port = number);
    }

    /** Returns a copy of this plan, with these variables for every rank. */
    public LaunchPlan withEnvironment(Map<String, String> variables) {
        return with(draft -> draft.environment = variables);
    }

    /**
     * Returns a copy of this plan in which each rank sees one of these GPUs; ranks share GPUs if there are more ranks
     * than GPUs.
     */
    public LaunchPlan withDevices(List<String> names) {
        return with(draft -> draft.devices = names);
    }

    /** Returns a copy of this plan in which rank 0 writes directly to the terminal, if there is one. */
    public LaunchPlan withRootOnTerminal() {
        return with(draft -> draft.rootOwnsTerminal = true);
    }

    /**
     * Returns a copy of this plan in which each expendable rank is restarted up to this many times if it is lost:
     * workers of a {@code ParameterService} with separate servers, which rejoin the run.
     */
    public LaunchPlan withRestarts(int times) {
        return with(draft -> draft.restarts = times);
    }

    /** Returns a copy of this plan, with another time for the ranks to end when the launcher is stopped. */
    public LaunchPlan withGrace(Duration time) {
        return with(draft -> draft.grace = time);
    }

    /**
     * Returns a copy of this plan whose ranks are seats: a lost process's ranks pass to others. For programs with
     * {@code Gyre.trainer}.
     */
    public LaunchPlan withSeats(SeatPlan plan) {
        return with(draft -> {
            draft.ranks = plan.all();
            draft.rootOwnsTerminal = false;
            draft.seats = Optional.of(plan);
            draft.groups = Optional.empty();
        });
    }

    /** As {@link #withSeats(SeatPlan)}, if there is one. */
    public LaunchPlan withSeats(Optional<SeatPlan> plan) {
        return plan.map(this::withSeats).orElse(this);
    }

    /**
     * Returns a copy of this plan whose ranks are those of groups, which survive their processes, and of servers. For
     * {@code gyre train}.
     */
    public LaunchPlan withGroups(GroupPlan plan) {
        return with(draft -> {
            draft.ranks = plan.all();
            draft.rootOwnsTerminal = false;
            draft.seats = Optional.empty();
            draft.groups = Optional.of(plan);
        });
    }

    /** The plan of one process of a run of groups, with these variables: as of its group, or as of a server. */
    LaunchPlan ofProcess(Optional<SeatPlan> ofGroup, Map<String, String> variables) {
        Map<String, String> all = new HashMap<>(environment);
        all.putAll(variables);
        return with(draft -> {
            draft.environment = all;
            draft.rootOwnsTerminal = false;
            draft.seats = ofGroup;
        });
    }

    /** The plan of the processes on the launcher's host, of a run with seats: whoever has the state alone keeps a copy. */
    LaunchPlan withState(Path directory) {
        Map<String, String> all = new HashMap<>(environment);
        GyreVariable.STATE_DIR.put(all, directory.toString());
        return with(draft -> draft.environment = all);
    }

    private LaunchPlan with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.plan();
    }

    /** Ranks on each host, of which each computes with as many threads; empty if that is the number of processes. */
    OptionalInt ranksOnEachHost() {
        int count = Math.max(1, hosts.size());
        if (seats.isPresent() && groups.isPresent()) {
            return OptionalInt.of((groups.get().ranks() + count - 1) / count);
        }
        return seats.isPresent() ? OptionalInt.of(seats.get().seatsOnEachOf(count)) : OptionalInt.empty();
    }

    /** A plan that is being made. */
    private static final class Draft {

        private final JavaProgram program;
        private int ranks;
        private List<String> hosts = List.of();
        private TransportMode transport = TransportMode.AUTO;
        private int port;
        private Map<String, String> environment = Map.of();
        private List<String> devices = List.of();
        private boolean rootOwnsTerminal;
        private int restarts;
        private Duration grace = GracefulStop.TIME;
        private Optional<SeatPlan> seats = Optional.empty();
        private Optional<GroupPlan> groups = Optional.empty();

        Draft(JavaProgram program, int ranks) {
            this.program = program;
            this.ranks = ranks;
        }

        Draft(LaunchPlan plan) {
            this(plan.program, plan.ranks);
            hosts = plan.hosts;
            transport = plan.transport;
            port = plan.port;
            environment = plan.environment;
            devices = plan.devices;
            rootOwnsTerminal = plan.rootOwnsTerminal;
            restarts = plan.restarts;
            grace = plan.grace;
            seats = plan.seats;
            groups = plan.groups;
        }

        LaunchPlan plan() {
            return new LaunchPlan(
                    program,
                    ranks,
                    hosts,
                    transport,
                    port,
                    environment,
                    devices,
                    rootOwnsTerminal,
                    restarts,
                    grace,
                    seats,
                    groups);
        }
    }
}
