package io.gyre.dl4j;

import io.gyre.World;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/** One rank's shares of an epoch, loaded ahead where the data allow it; empty ones once it has no more. */
final class Pass implements AutoCloseable {

    private final Iterator<Share> shares;
    private final @Nullable LoadAhead loader;

    Pass(ShardedData data, World world, int epoch, long position) {
        Iterator<Share> direct = data.pass(world, epoch, position);
        loader = data.loadsAhead() ? new LoadAhead(direct, world.rank()) : null;
        shares = loader == null ? direct : loader;
    }

    Share next() {
        return shares.hasNext() ? shares.next() : Share.EMPTY;
    }

    @Override
    public void close() {
        if (loader != null) {
            loader.close();
        }
    }
}
