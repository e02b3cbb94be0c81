package io.gyre.launcher;

import io.gyre.Member;
import io.gyre.membership.RunListener;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the coordinator reported about the end of a run. Written on its thread, read by the launcher's. */
final class RunWatch implements RunListener {

    /**
     * The first rank that was lost.
     *
     * @param member the lost rank
     * @param reason how that was noticed
     */
    record Loss(Member member, String reason) {}

    private final RankGroup group;
    private final Terminal terminal;
    private volatile @Nullable Loss loss;
    private volatile @Nullable String missing;

    /**
     * Creates a listener.
     *
     * @param group knows whether the launcher itself caused a loss
     * @param terminal for messages about losses that do not end the run
     */
    RunWatch(RankGroup group, Terminal terminal) {
        this.group = group;
        this.terminal = terminal;
    }

    @Override
    public void joined(Member member) {
        group.joined(member.rank());
    }

    @Override
    public void left(Member member) {
        group.dismiss(member.rank());
    }

    @Override
    public void unaware(Member member) {
        group.dismiss(member.rank());
    }

    @Override
    public void expendable(Member member) {
        group.spare(member.rank());
    }

    @Override
    public void lostExpendable(Member member, String reason) {
        group.dismiss(member.rank());
        if (!group.wasStopped()) {
            String others =
                    group.endsWithKillOf(member.rank()) ? " was lost: " : " was lost; the run continues without it: ";
            terminal.say(member + others + reason);
        }
    }

    @Override
    public void returned(Member member, int incarnation) {
        terminal.say(member + " has rejoined the run" + (incarnation == 1 ? "" : " " + incarnation + " times"));
    }

    @Override
    public void lost(Member member, String reason) {
        group.dismiss(member.rank());
        group.over();
        if (!group.wasStopped()) {
            loss = new Loss(member, reason);
        }
    }

    @Override
    public void failed(String reason) {
        missing = reason;
    }

    Optional<Loss> loss() {
        return Optional.ofNullable(loss);
    }

    /** Why the run did not start, if it did not. */
    Optional<String> missing() {
        return Optional.ofNullable(missing);
    }
}
