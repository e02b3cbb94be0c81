package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.training.StallReport;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.MemoryWorkspaceManager;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs a pass over the data on its own thread, slightly ahead of the one that trains. Once a rank is lost, a wait for a
 * batch ends as soon as a wait for that rank does. A loader that hangs in the program's code does not delay the end of
 * a pass.
 */
final class LoadAhead implements Iterator<Share>, AutoCloseable {

    /** Two: one is consumed while the next is loaded, and memory use stays low. */
    private static final int AHEAD = 2;

    private static final Logger LOG = LoggerFactory.getLogger(LoadAhead.class);

    /** How often a wait for a batch checks that training can continue. */
    private static final long LOOK_MILLIS = 100;

    /** How long the end of a pass waits for the thread. */
    private static final long CLOSE_MILLIS = 500;

    /** How long the next pass over the same data waits for it. */
    private static final long STRAGGLER_SECONDS = 60;

    private final LossWatch watch;
    private final BlockingQueue<Loaded> queue = new ArrayBlockingQueue<>(AHEAD);
    /** Held by the loader while it is in the source, and by the training thread between calls of {@code fit}. */
    private final Semaphore reading = new Semaphore(1);

    private final Thread loader;
    private @Nullable Loaded head;
    private long step;
    private volatile boolean closed;

    /** A share, the end of the pass (no share), or the failure that ended it. */
    private record Loaded(@Nullable Share share, @Nullable Throwable failure) {}

    /**
     * Starts the thread.
     *
     * @param watch reports the loss that ends a wait for a batch
     * @param rank for the thread's name
     */
    LoadAhead(Iterator<Share> pass, LossWatch watch, int rank) {
        this.watch = watch;
        loader = new Thread(() -> load(pass), StallReport.loaderName(rank));
        loader.setDaemon(true);
        loader.start();
    }

    private void load(Iterator<Share> pass) {
        try {
            Share next;
            do {
                next = read(pass);
                put(new Loaded(next, null));
            } while (next != null);
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        } catch (Throwable failure) {
            report(failure);
        } finally {
            freeWorkspaces();
        }
    }

    /** The next share, which later reads of the source do not change; null at the end. */
    private @Nullable Share read(Iterator<Share> pass) throws InterruptedException {
        reading.acquire();
        try {
            return pass.hasNext() ? pass.next().kept() : null;
        } finally {
            reading.release();
        }
    }

    /**
     * Stops reading from the source until {@link #resume}. Waits for a batch that is being read, as long as training
     * can continue.
     */
    void pause() {
        long began = System.nanoTime();
        boolean warned = false;
        try {
            while (!reading.tryAcquire(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
                if (!watch.isWhole()) {
                    watch.check("the wait for the end of a batch that is being read, step " + step);
                }
                if (!warned && System.nanoTime() - began >= TimeUnit.SECONDS.toNanos(STRAGGLER_SECONDS)) {
                    warned = true;
                    LOG.warn(stillReads("the call of fit was done"));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new GyreException("interrupted while waiting for " + loader.getName() + " to read a batch", e);
        }
    }

    /** Continues reading after {@link #pause}. */
    void resume() {
        reading.release();
    }

    /** One by one: the call that frees all of them triggers a full garbage collection each time. */
    private static void freeWorkspaces() {
        MemoryWorkspaceManager workspaces = Nd4j.getWorkspaceManager();
        for (MemoryWorkspace workspace : workspaces.getAllWorkspacesForCurrentThread()) {
            workspaces.destroyWorkspace(workspace);
        }
    }

    /** The program's code may have swallowed the interrupt. */
    private void put(Loaded loaded) throws InterruptedException {
        if (closed) {
            throw new InterruptedException("the pass has been ended");
        }
        queue.put(loaded);
    }

    private void report(Throwable failure) {
        try {
            put(new Loaded(null, failure));
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    /** Sets the step of the next batch, for errors. */
    void forStep(long value) {
        step = value;
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
                Loaded loaded = queue.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
                if (loaded != null) {
                    return loaded;
                }
                if (!watch.isWhole()) {
                    watch.check("the wait for its data, step " + step);
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

    /** Tells the thread to end, and drops what it has loaded. If it ignores the interrupt, logs where it is. */
    @Override
    public void close() {
        closed = true;
        loader.interrupt();
        if (!awaitEnd(CLOSE_MILLIS)) {
            LOG.warn(
                    "{} still reads a batch {} ms after the pass was ended, and is left to itself. It is at {}",
                    loader.getName(),
                    CLOSE_MILLIS,
                    Arrays.stream(loader.getStackTrace())
                            .map(String::valueOf)
                            .collect(Collectors.joining("\n    at ")));
        }
    }

    /** After {@link #close}: returns once the data may be read again. */
    void awaitStraggler() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(STRAGGLER_SECONDS);
        while (!awaitEnd(LOOK_MILLIS)) {
            watch.check("the wait for the end of the last pass over the data, step " + step);
            if (Thread.currentThread().isInterrupted()) {
                throw new GyreException("interrupted while waiting for " + loader.getName() + " to end");
            }
            if (System.nanoTime() - deadline >= 0) {
                throw new GyreException(stillReads("the pass was ended"));
            }
        }
    }

    private boolean awaitEnd(long millis) {
        try {
            loader.join(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return !loader.isAlive();
    }

    private String stillReads(String since) {
        return loader.getName() + " still reads a batch " + STRAGGLER_SECONDS + " s after " + since
                + "; look at its stack (jstack)";
    }
}
