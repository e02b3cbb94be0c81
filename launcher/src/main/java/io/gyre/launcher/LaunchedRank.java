package io.gyre.launcher;

import io.gyre.transport.HostList;
import io.gyre.transport.LaunchEnvironment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * One rank of a run whose processes another launcher has started: this process starts the program as that rank, with
 * the memory, threads and GPU that a rank of ours would have, waits for it, and ends with its status. Output and
 * rendezvous are not its concern: the program writes to this process's streams, and rank 0 hosts the rendezvous.
 */
final class LaunchedRank {

    private static final Path ONLINE_CORES = Path.of("/sys/devices/system/cpu/online");

    private final LaunchPlan plan;
    private final LaunchEnvironment found;
    private final Terminal terminal;

    LaunchedRank(LaunchPlan plan, LaunchEnvironment found, Terminal terminal) {
        this.plan = plan;
        this.found = found;
        this.terminal = terminal;
    }

    /** The launcher that has started this process as one of several ranks, if there is one. */
    static Optional<LaunchEnvironment> find(Map<String, String> environment) {
        // One process of a batch system starts all ranks itself.
        return LaunchEnvironment.detect(environment).filter(found -> found.size() > 1);
    }

    /** Runs the rank. */
    LaunchResult run() throws IOException, InterruptedException {
        checkPlan();
        plan.program().checkPresent();
        String rendezvous = found.requireRendezvous();
        if (found.rank() == 0) {
            terminal.say(found.toString());
        }
        Placement place = new Placement(
                found.rank(),
                found.size(),
                HostAddress.ownName(),
                true,
                found.localRank().orElse(0),
                found.localSize().orElse(1));
        RankStart start = RankStart.launched(place, plan, rendezvous, cores(place.localSize()));
        RankGroup group = new RankGroup(RankGroup.Successors.NONE);
        GroupGuard guard = new GroupGuard(group, plan.grace(), found.rank() == 0 ? terminal::say : text -> {});
        guard.during(() -> {
            group.add(start.process(null, terminal));
            group.await();
        });
        int status = group.rank(0).exitStatus();
        boolean stopped = status == 0 && guard.signal() != 0;
        return new LaunchResult(stopped ? ExitStatus.ofSignal(guard.signal()) : status, 0, Optional.empty(), false);
    }

    private void checkPlan() {
        if (plan.ranks() != found.size()) {
            throw new IllegalArgumentException(plan.ranks() + " ranks were asked for, but " + found.launcher()
                    + " has started this process as rank " + found.rank() + " of " + found.size()
                    + ": leave -n out, or give both the same number");
        }
        if (!plan.hosts().isEmpty()) {
            throw new IllegalArgumentException("--hosts " + String.join(",", plan.hosts()) + ": "
                    + found.launcher() + " has placed the ranks, and this is rank " + found.rank() + " of "
                    + found.size() + ". Leave the option out, or start one process only");
        }
        if (plan.seats().isPresent()) {
            throw new IllegalArgumentException("--processes, --spares, --min-processes and --lost-after are for runs"
                    + " that Gyre starts, and " + found.launcher() + " has started this process. Leave them out");
        }
        if (plan.restarts() > 0) {
            throw new IllegalArgumentException("--restarts " + plan.restarts()
                    + ": ranks are started, and restarted, by " + found.launcher() + " here. Leave the option out");
        }
    }

    /**
     * Cores that the ranks of this host share. A launcher may have bound each rank to its own, which are all that the
     * JVM then sees.
     */
    private static int cores(int localSize) throws IOException {
        int seen = Runtime.getRuntime().availableProcessors();
        if (!Files.isReadable(ONLINE_CORES)) {
            return seen;
        }
        int online = HostList.expand("cpu[" + Files.readString(ONLINE_CORES).strip() + "]")
                .size();
        return seen * localSize <= online ? seen * localSize : seen;
    }
}
