package io.gyre.launcher;

import io.gyre.Member;
import io.gyre.launcher.RunWatch.Loss;
import io.gyre.membership.RunListener;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What happens in a run of groups and servers, of which the leads of groups and the servers are members. Written on the
 * thread of its coordinator, read by the launcher's.
 */
final class GroupsWatch implements RunListener {

    private final GroupPlan plan;
    private final RankGroup processes;
    private final Terminal terminal;
    private volatile @Nullable Loss loss;
    private volatile @Nullable String missing;

    GroupsWatch(GroupPlan plan, RankGroup processes, Terminal terminal) {
        this.plan = plan;
        this.processes = processes;
        this.terminal = terminal;
    }

    private boolean isLead(Member member) {
        return member.rank() < plan.groups().size();
    }

    private int server(Member member) {
        return plan.processOfServer(member.rank());
    }

    private String name(Member member) {
        String where = " (host " + member.host() + ", pid " + member.pid() + ")";
        return (isLead(member) ? "the lead of group " + member.rank() : "server " + server(member)) + where;
    }

    @Override
    public void joined(Member member) {
        if (!isLead(member)) {
            processes.joined(server(member));
        }
    }

    @Override
    public void left(Member member) {
        if (!isLead(member)) {
            processes.dismiss(server(member));
        }
    }

    @Override
    public void unaware(Member member) {
        left(member);
    }

    @Override
    public void expendable(Member member) {
        if (!isLead(member)) {
            processes.spare(server(member));
        }
    }

    @Override
    public void lostExpendable(Member member, String reason) {
        left(member);
        if (!processes.wasStopped()) {
            terminal.say(name(member) + " was lost; the other groups go on: " + reason);
        }
    }

    @Override
    public void returned(Member member, int incarnation) {
        terminal.say(
                isLead(member)
                        ? "group " + member.rank() + " has another lead (host " + member.host() + ", pid "
                                + member.pid() + ")"
                        : name(member) + " has rejoined the run");
    }

    @Override
    public void lost(Member member, String reason) {
        left(member);
        processes.over();
        if (processes.wasStopped()) {
            return;
        }
        OptionalInt process = isLead(member) ? processes.withPid(member.pid()) : OptionalInt.of(server(member));
        if (process.isPresent()) {
            loss = new Loss(new Member(process.getAsInt(), member.host(), member.pid()), reason);
        } else {
            missing = name(member) + " was lost: " + reason;
        }
    }

    @Override
    public void failed(String reason) {
        missing = reason;
    }

    Optional<Loss> loss() {
        return Optional.ofNullable(loss);
    }

    /** Why the run did not start, or cannot continue; empty for a loss that {@link #loss} tells. */
    Optional<String> missing() {
        return Optional.ofNullable(missing);
    }
}
