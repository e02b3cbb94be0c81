package io.gyre.dl4j;

import io.gyre.session.Session;
import java.util.Collections;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * One process's shares of an epoch, loaded ahead if the data allow it; empty shares once it has no more. Stays open
 * between calls of {@code fit} that train on parts of the epoch, but reads nothing meanwhile.
 */
final class Pass implements AutoCloseable {

    private final ShardedData data;
    private final LossWatch watch;
    private final RowsFromRoot rowsFromRoot;
    private final boolean reads;
    private final Iterator<Share> shares;
    private final @Nullable LoadAhead loader;
    private Share end;
    private boolean paused;
    private boolean hadMore;

    /**
     * Begins a pass once the thread of the previous one has ended.
     *
     * @param session of the ranks that train
     * @param watch over the program's iterator, if that runs on this thread
     * @param rowsFromRoot for data that rank 0 reads for all; borrowed
     * @param step the next one
     */
    Pass(ShardedData data, Session session, LossWatch watch, RowsFromRoot rowsFromRoot, Place place, long step) {
        this.data = data;
        this.watch = watch;
        this.rowsFromRoot = rowsFromRoot;
        reads = data.isReadBy(session.world());
        long fingerprint = data.isCompared() ? Fingerprint.ofRunning(Fingerprint.START) : 0;
        Seats seats = Seats.of(session);
        end = Share.end(seats.count(), fingerprint, place.mark());
        if (!reads) {
            shares = Collections.emptyIterator();
            loader = null;
            return;
        }
        data.awaitStraggler();
        watch.code().enter("beginning a pass over the program's data, before the first batch", step);
        Iterator<Share> direct;
        try {
            direct = data.pass(seats, place);
        } finally {
            watch.code().leave();
        }
        loader =
                data.loadsAhead() ? new LoadAhead(direct, watch, session.world().rank()) : null;
        shares = loader == null ? direct : loader;
    }

    /** The next share, for this step. */
    Share next(long step) {
        return data.isFromRoot() ? rowsFromRoot.next(step, () -> readFor(step)) : readFor(step);
    }

    private Share readFor(long step) {
        if (loader != null) {
            loader.forStep(step);
            return read();
        }
        watch.code().enter("the program's data iterator, for the batch", step);
        try {
            return read();
        } finally {
            watch.code().leave();
        }
    }

    private Share read() {
        if (!shares.hasNext()) {
            return end;
        }
        Share next = shares.next();
        end = next.end();
        return next;
    }

    /** Stops reading from the source until {@link #resume}. Waits for a batch that is being read. */
    void pause() {
        if (paused || !reads) {
            return;
        }
        if (loader != null) {
            loader.pause();
        }
        paused = true;
        hadMore = data.hasMore();
    }

    /**
     * Continues reading after {@link #pause}. Returns false if the source has been used otherwise since: the pass must
     * then be closed.
     */
    boolean resume() {
        if (!paused) {
            return true;
        }
        if (hadMore != data.hasMore()) {
            return false;
        }
        paused = false;
        if (loader != null) {
            loader.resume();
        }
        return true;
    }

    @Override
    public void close() {
        if (loader != null) {
            loader.close();
            data.leftTo(loader);
        }
    }
}
