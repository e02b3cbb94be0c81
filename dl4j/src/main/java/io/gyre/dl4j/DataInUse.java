package io.gyre.dl4j;

import io.gyre.session.Session;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The data that a rank trains on, claimed exclusively, and its pass over them. The pass stays open from one call of
 * {@code fit} to the next, so that many short calls read every batch once.
 */
final class DataInUse implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(DataInUse.class);

    private final Session session;
    private final LossWatch watch;
    private final RowsFromRoot rowsFromRoot;
    private @Nullable ShardedData data;
    private @Nullable Claim claim;
    private @Nullable Pass pass;

    /**
     * Creates it, without data.
     *
     * @param session of the ranks that train
     * @param watch over the code that reads the data
     * @param rowsFromRoot borrowed
     */
    DataInUse(Session session, LossWatch watch, RowsFromRoot rowsFromRoot) {
        this.session = session;
        this.watch = watch;
        this.rowsFromRoot = rowsFromRoot;
    }

    /**
     * Claims data for a call of {@code fit}.
     *
     * @param next data of this call
     * @param resumed description of the data in which the resumed run stopped; null if the run is not resumed
     * @return whether the call continues in the data of the previous call. Data are the same if they come from the same
     *     object or, in a resumed run, if they have the same description
     */
    boolean take(ShardedData next, @Nullable String resumed) {
        ShardedData earlier = data;
        boolean continued = earlier == null ? next.description().equals(resumed) : next.isSameAs(earlier);
        Claim held = claim;
        if (earlier != null && held != null && next.sharesPassWith(earlier) && held.holds()) {
            return continued;
        }
        boolean leavesPass = pass != null && !continued;
        if (earlier != null && leavesPass && next.description().equals(earlier.description()) && logs()) {
            LOG.warn(
                    "{} start from the beginning, although an epoch of data like them is not finished: {} is another"
                            + " object than in the previous call of fit",
                    next.description(),
                    next.identity().getClass().getName());
        }
        close();
        claim = Claim.of(next.claimed(session.world()), RankTexts.ownName(session), next.mayEnd());
        data = next;
        return continued;
    }

    /** What is the same on all ranks is logged by one of them. */
    private boolean logs() {
        return session.world().isRoot();
    }

    /** The pass, open for a call of {@code fit} that begins with the given step; begun at a place if none is open. */
    Pass open(ShardedData of, Place place, long step) {
        setUse(Claim.Use.NOW);
        Pass open = pass;
        if (open != null && open.resume()) {
            return open;
        }
        if (open != null) {
            open.close();
        }
        Pass begun = new Pass(of, session, watch, rowsFromRoot, place, step);
        pass = begun;
        return begun;
    }

    /** Between calls nothing is read from the data: the program may use them. */
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

    /** The data last taken by {@link #take}, or kept instead. */
    ShardedData data() {
        return Objects.requireNonNull(data);
    }

    /** Ends the pass and releases the data, which the next pass reads from their beginning. */
    void restart() {
        if (data != null) {
            data.restart();
        }
        close();
    }

    private void setUse(Claim.Use use) {
        if (claim != null) {
            claim.setUse(use);
        }
    }

    /** Ends the pass and releases the data. A second call does nothing. */
    @Override
    public void close() {
        endPass();
        if (claim != null) {
            claim.close();
            claim = null;
        }
    }
}
