package io.gyre.launcher;

import io.gyre.Member;
import io.gyre.membership.RunListener;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the coordinator had to say about the end of a run. Written on its thread, read by the launcher's. */
final class RunWatch implements RunListener {

    /**
     * The first rank that was lost.
     *
     * @param member which one
     * @param reason how that was noticed
     */
    record Loss(Member member, String reason) {}

    private final RankGroup group;
    private volatile @Nullable Loss loss;
    private volatile @Nullable String missing;

    /**
     * Begins to listen.
     *
     * @param group tells whether a loss is the launcher's own doing
     */
    RunWatch(RankGroup group) {
        this.group = group;
    }

    @Override
    public void lost(Member member, String reason) {
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

    /** Why the run did not come about, if it did not. */
    Optional<String> missing() {
        return Optional.ofNullable(missing);
    }
}
