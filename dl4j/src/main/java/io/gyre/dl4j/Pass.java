package io.gyre.dl4j;

import io.gyre.World;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One rank's shares of an epoch, loaded ahead where the data allow it; empty ones once it has no more. Stays open between calls of
 * {@code fit} that train on parts of the epoch, but reads nothing then.
 */
final class Pass implements AutoCloseable {

    private final Iterator<Share> shares;
    private final @Nullable LoadAhead loader;
    private Share last;
    private boolean paused;

    Pass(ShardedData data, World world, Place place) {
        Iterator<Share> direct = data.pass(world, place);
        loader = data.loadsAhead() ? new LoadAhead(direct, world.rank()) : null;
        shares = loader == null ? direct : loader;
        last = new Share(
                null,
                false,
                false,
                data.isCompared() ? Fingerprint.ofRunning(Fingerprint.START) : 0,
                place.mark(),
                List.of());
    }

    Share next() {
        last = shares.hasNext() ? shares.next() : last.end();
        return last;
    }

    /** What {@link #next} returned last: its fingerprint and mark are of all that it and those before it have. */
    Share last() {
        return last;
    }

    /** Leaves the source alone until {@link #resume}. */
    void pause() {
        if (loader != null && !paused) {
            loader.pause();
        }
        paused = true;
    }

    void resume() {
        if (loader != null && paused) {
            loader.resume();
        }
        paused = false;
    }

    @Override
    public void close() {
        if (loader != null) {
            loader.close();
        }
    }
}
