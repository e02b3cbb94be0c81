package io.gyre.launcher;

import io.gyre.GyreException;
import io.gyre.transport.GyreVariable;
import io.gyre.transport.Invitation;
import io.gyre.transport.OwnAddress;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Starts one process for a run with seats that another launcher has started, here or on another host. The process waits
 * for seats as a spare, and ends with the run.
 */
public final class NewcomerLaunch {

    private final LaunchPlan plan;
    private final String address;
    private final Terminal terminal;

    /**
     * Plans it; nothing is started yet.
     *
     * @param plan with the program
     * @param address where the run's launcher answers newcomers, {@code host:port}
     * @param out borrowed; gets the launcher's own messages, as {@code err} does
     */
    public NewcomerLaunch(LaunchPlan plan, String address, PrintStream out, PrintStream err) {
        this.plan = plan;
        this.address = address;
        terminal = new Terminal(out, err);
    }

    /**
     * Asks to take part, starts the process, and waits until it has ended.
     *
     * @param program as in {@link SeatedCommand#program}
     * @throws IllegalArgumentException if the program does not exist, or the address cannot be used; nothing was
     *     started
     * @throws GyreException if nobody answers at the address, or the run refuses this process; nothing was started
     * @throws IOException if it cannot be started
     * @throws InterruptedException if this thread was interrupted; the process has ended
     */
    public LaunchResult run(String program) throws IOException, InterruptedException {
        plan.program().checkPresent();
        Invitation invitation = Invitation.ask(address, System.getenv(), program);
        terminal.say("the run at " + address + " has admitted this process; it waits for seats");
        Map<String, String> given = new HashMap<>(invitation.variables());
        if (GyreVariable.BIND.text(System.getenv()).isEmpty() && !given.containsKey(GyreVariable.BIND.key())) {
            ownAddress(given.getOrDefault(GyreVariable.RENDEZVOUS.key(), ""))
                    .ifPresent(own -> GyreVariable.BIND.put(given, own));
        }
        RankStart start = RankStart.newcomer(plan, given);
        RankGroup group = new RankGroup(RankGroup.Successors.NONE);
        GroupGuard guard = new GroupGuard(group, plan.grace(), terminal::say);
        guard.during(() -> {
            group.add(start.process(invitation.token(), terminal));
            group.await();
        });
        int status = group.rank(0).exitStatus();
        boolean stopped = status == 0 && guard.signal() != 0;
        return new LaunchResult(stopped ? ExitStatus.ofSignal(guard.signal()) : status, 0, Optional.empty(), false);
    }

    /** The address at which the processes of the run reach this host; empty if all are on it. */
    private static Optional<String> ownAddress(String rendezvous) throws IOException {
        InetAddress host = InetAddress.getByName(rendezvous.substring(0, Math.max(0, rendezvous.lastIndexOf(':'))));
        return host.isLoopbackAddress()
                ? Optional.empty()
                : Optional.of(OwnAddress.towards(host).address().getHostAddress());
    }
}
