package io.gyre.dl4j;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** What a trainer has opened and must close: in reverse order, each once, all of them even if one fails. */
final class Opened implements AutoCloseable {

    private final Deque<Runnable> closers = new ArrayDeque<>();

    /** Registers how something is closed. */
    void onClose(Runnable closer) {
        closers.push(closer);
    }

    /** A second call does nothing. */
    @Override
    public void close() {
        RuntimeException failure = null;
        while (!closers.isEmpty()) {
            failure = close(closers.pop(), failure);
        }
        if (failure != null) {
            throw failure;
        }
    }

    private static @Nullable RuntimeException close(Runnable closer, @Nullable RuntimeException before) {
        try {
            closer.run();
            return before;
        } catch (RuntimeException e) {
            if (before == null) {
                return e;
            }
            before.addSuppressed(e);
            return before;
        }
    }
}
