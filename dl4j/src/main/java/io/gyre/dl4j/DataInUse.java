package io.gyre.dl4j;

import io.gyre.session.Session;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The data that a rank trains on, claimed for it alone, and its pass over them. The pass stays open from one call of
 * {@code fit} to the next, so that training in many short calls reads every batch once.
 */
final class DataInUse implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(DataInUse.class);

    private final Session session;
    private final LossWatch watch;
    private final String rankName;
    private @Nullable ShardedData data;
    private @Nullable Claim claim;
    private @Nullable Pass pass;

    /**
     * Creates it, without data.
     *
     * @param session of those who train
     * @param watch over what reads the data
     * @param rankName who claims the data, for errors
     */
    DataInUse(Session session, LossWatch watch, String rankName) {
        this.session = session;
        this.watch = watch;
        this.rankName = rankName;
    }

    /**
     * Claims data for a call of {@code fit}.
     *
     * @param next of this call
     * @param resumed describes the data that a run which is resumed stopped in; null if it is not resumed
     * @return whether the call goes on in the data of the call before. Data are the same if they come from the same
     *     object; those of a run that is resumed, if they have the same description
     */
    boolean take(ShardedData next, @Nullable String resumed) {
        ShardedData earlier = data;
        boolean goesOn = earlier == null ? next.description().equals(resumed) : next.isSameAs(earlier);
        Claim held = claim;
        if (earlier != null && held != null && next.sharesPassWith(earlier) && held.holds()) {
            return goesOn;
        }
        boolean leavesPass = pass != null && !goesOn;
        if (earlier != null && leavesPass && next.description().equals(earlier.description()) && speaks()) {
            LOG.warn(
                    "{} begins anew, though an epoch of data like them is not finished: {} is another object than in"
                            + " the call of fit before",
                    next.description(),
                    next.identity().getClass().getName());
        }
        close();
        claim = Claim.of(next.claimed(), rankName, next.mayEnd());
        data = next;
        return goesOn;
    }

    /** What is the same on all ranks is logged by one. */
    private boolean speaks() {
        return session.world().isRoot();
    }

    /** The pass, open for the steps of a call of {@code fit} from one on; begun at a place if none is open. */
    Pass open(ShardedData of, Place place, long step) {
        setUse(Claim.Use.NOW);
        Pass open = pass;
        if (open != null && open.resume()) {
            return open;
        }
        if (open != null) {
            open.close();
        }
        Pass begun = new Pass(of, session, watch, place, step);
        pass = begun;
        return begun;
    }

    /** Between calls nothing is read from the data: they are the program's. */
    void leave() {
        if (pass != null) {
            pass.pause();
        }
        setUse(pass == null ? Claim.Use.NONE : Claim.Use.BETWEEN_CALLS);
    }

    /** Ends the pass. */
    void endPass() {
        Pass open = pass;
        pass = null;
        setUse(Claim.Use.NONE);
        if (open != null) {
            open.close();
        }
    }

    /** What {@link #take} took last, or has kept in place of it. */
    ShardedData data() {
        return Objects.requireNonNull(data);
    }

    private void setUse(Claim.Use use) {
        if (claim != null) {
            claim.setUse(use);
        }
    }

    /** Ends the pass and gives the data back. A second call does nothing. */
    @Override
    public void close() {
        endPass();
        if (claim != null) {
            claim.close();
            claim = null;
        }
    }
}
