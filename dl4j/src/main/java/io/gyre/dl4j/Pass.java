package io.gyre.dl4j;

import io.gyre.World;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One rank's shares of an epoch, loaded ahead where the data allow it; empty ones once it has no more. Stays open
 * between calls of {@code fit} that train on parts of the epoch, but reads nothing then.
 */
final class Pass implements AutoCloseable {

    private final ShardedData data;
    private final Iterator<Share> shares;
    private final @Nullable LoadAhead loader;
    private Share end;
    private boolean paused;
    private boolean hadMore;

    Pass(ShardedData data, World world, Place place) {
        this.data = data;
        Iterator<Share> direct = data.pass(world, place);
        loader = data.loadsAhead() ? new LoadAhead(direct, world.rank()) : null;
        shares = loader == null ? direct : loader;
        long fingerprint = data.isCompared() ? Fingerprint.ofRunning(Fingerprint.START) : 0;
        end = new Share(null, false, true, fingerprint, place.mark(), List.of());
    }

    Share next() {
        if (!shares.hasNext()) {
            return end;
        }
        Share next = shares.next();
        end = next.end();
        return next;
    }

    /** Leaves the source alone until {@link #resume}. Waits for a batch that is being read. */
    void pause() {
        if (paused) {
            return;
        }
        if (loader != null) {
            loader.pause();
        }
        paused = true;
        hadMore = data.hasMore();
    }

    /**
     * Reads on after {@link #pause}. Returns false if somebody else has used the source since: the pass must be
     * closed.
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
        }
    }
}
