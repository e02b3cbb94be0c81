package io.gyre.dl4j;

import io.gyre.GyreException;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.MemoryWorkspaceManager;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs a pass over the data on a thread of its own, a little ahead of the one that trains. */
final class LoadAhead implements Iterator<Share>, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(LoadAhead.class);

    /** Two: one is being used up while the next is being made, and memory stays small. */
    private static final int AHEAD = 2;

    private static final long CLOSE_SECONDS = 60;

    private final BlockingQueue<Loaded> queue = new ArrayBlockingQueue<>(AHEAD);
    /** Held by the loader while it is in the source, and by the training thread between calls of {@code fit}. */
    private final Semaphore reading = new Semaphore(1);

    private final Thread loader;
    private @Nullable Loaded head;

    /** A share, the end of the pass (no share), or the failure that ended it. */
    private record Loaded(@Nullable Share share, @Nullable Throwable failure) {}

    LoadAhead(Iterator<Share> pass, int rank) {
        loader = new Thread(() -> load(pass), "gyre-loader-" + rank);
        loader.setDaemon(true);
        loader.start();
    }

    private void load(Iterator<Share> pass) {
        try {
            Loaded next;
            do {
                next = new Loaded(read(pass), null);
                queue.put(next);
            } while (next.share() != null);
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        } catch (Throwable failure) {
            report(failure);
        } finally {
            freeWorkspaces();
        }
    }

    /** The next share, safe from what the source does next; null at the end. */
    private @Nullable Share read(Iterator<Share> pass) throws InterruptedException {
        reading.acquire();
        try {
            return pass.hasNext() ? pass.next().kept() : null;
        } finally {
            reading.release();
        }
    }

    /** Leaves the source alone until {@link #resume}. Waits for a batch that is being read. */
    void pause() {
        try {
            while (!reading.tryAcquire(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                LOG.warn(stillReads("the call of fit was done"));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new GyreException("interrupted while waiting for " + loader.getName() + " to read a batch", e);
        }
    }

    /** Reads on, after {@link #pause}. */
    void resume() {
        reading.release();
    }

    /** One by one: the call for all at once has ND4J collect the whole heap each time. */
    private static void freeWorkspaces() {
        MemoryWorkspaceManager workspaces = Nd4j.getWorkspaceManager();
        for (MemoryWorkspace workspace : workspaces.getAllWorkspacesForCurrentThread()) {
            workspaces.destroyWorkspace(workspace);
        }
    }

    private void report(Throwable failure) {
        try {
            queue.put(new Loaded(null, failure));
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public boolean hasNext() {
        return peek().share() != null;
    }

    @Override
    public Share next() {
        Share share = peek().share();
        if (share == null) {
            throw new NoSuchElementException();
        }
        head = null;
        return share;
    }

    private Loaded peek() {
        Loaded loaded = head;
        if (loaded == null) {
            loaded = take();
            head = loaded;
        }
        Throwable failure = loaded.failure();
        if (failure instanceof RuntimeException e) {
            throw e;
        }
        if (failure instanceof Error e) {
            throw e;
        }
        if (failure != null) {
            throw new GyreException("the data could not be read: " + failure.getMessage(), failure);
        }
        return loaded;
    }

    private Loaded take() {
        try {
            while (true) {
                Loaded loaded = queue.poll(1, TimeUnit.SECONDS);
                if (loaded != null) {
                    return loaded;
                }
                if (!loader.isAlive() && queue.isEmpty()) {
                    throw new GyreException(loader.getName() + " ended without a result: it was interrupted");
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new GyreException("interrupted while waiting for " + loader.getName() + " to read a batch", e);
        }
    }

    /** Ends the thread; what it has loaded is dropped. */
    @Override
    public void close() {
        loader.interrupt();
        try {
            loader.join(TimeUnit.SECONDS.toMillis(CLOSE_SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (loader.isAlive()) {
            throw new GyreException(stillReads("the pass was ended"));
        }
    }

    private String stillReads(String since) {
        return loader.getName() + " still reads a batch " + CLOSE_SECONDS + " s after " + since
                + "; look at its stack (jstack)";
    }
}
