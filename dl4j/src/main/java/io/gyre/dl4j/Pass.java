package io.gyre.dl4j;

import io.gyre.Session;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/** One rank's shares of an epoch, loaded ahead where the data allow it; empty ones once it has no more. */
final class Pass implements AutoCloseable {

    private final LossWatch watch;
    private final Iterator<Share> shares;
    private final @Nullable LoadAhead loader;

    /**
     * Begins a pass, when the thread of the one before has ended.
     *
     * @param session of those who train
     * @param watch over the program's iterator, where that runs on this thread
     * @param step the next one
     */
    Pass(ShardedData data, Session session, LossWatch watch, int epoch, long position, long step) {
        this.watch = watch;
        data.awaitStraggler();
        watch.code().enter("beginning a pass over the program's data, before the first batch", step);
        Iterator<Share> direct;
        try {
            direct = data.pass(session.world(), epoch, position);
        } finally {
            watch.code().leave();
        }
        loader =
                data.loadsAhead() ? new LoadAhead(direct, watch, session.world().rank()) : null;
        data.loadedBy(loader);
        shares = loader == null ? direct : loader;
    }

    /** The next share, for this step. */
    Share next(long step) {
        if (loader != null) {
            loader.forStep(step);
            return loader.hasNext() ? loader.next() : Share.EMPTY;
        }
        watch.code().enter("the program's data iterator, for the batch", step);
        try {
            return shares.hasNext() ? shares.next() : Share.EMPTY;
        } finally {
            watch.code().leave();
        }
    }

    @Override
    public void close() {
        if (loader != null) {
            loader.close();
        }
    }
}
