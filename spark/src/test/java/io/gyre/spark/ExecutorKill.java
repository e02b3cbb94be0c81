package io.gyre.spark;

import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/** Kills an executor of a local cluster, a child of this JVM, as soon as a file appears. */
final class ExecutorKill implements AutoCloseable {

    private static final long PATIENCE_MINUTES = 10;

    private final WatchService watch;
    private final CompletableFuture<Long> killed;

    private ExecutorKill(WatchService watch, Predicate<String> name) {
        this.watch = watch;
        killed = CompletableFuture.supplyAsync(() -> {
            await(name);
            ProcessHandle executor =
                    ProcessHandle.current().children().findFirst().orElseThrow();
            executor.destroyForcibly();
            return executor.pid();
        });
    }

    /** Waits for a file of this directory, on a thread of its own. */
    static ExecutorKill when(Path directory, Predicate<String> name) throws IOException {
        WatchService watch = directory.getFileSystem().newWatchService();
        directory.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
        return new ExecutorKill(watch, name);
    }

    private void await(Predicate<String> name) {
        try {
            while (true) {
                WatchKey key = watch.poll(PATIENCE_MINUTES, TimeUnit.MINUTES);
                if (key == null) {
                    throw new IllegalStateException("no such file appeared in " + PATIENCE_MINUTES + " minutes");
                }
                for (WatchEvent<?> event : key.pollEvents()) {
                    if (name.test(String.valueOf(event.context()))) {
                        return;
                    }
                }
                key.reset();
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The process that was killed. Fails if none was. */
    long killed() throws InterruptedException, ExecutionException, TimeoutException {
        return killed.get(1, TimeUnit.MINUTES);
    }

    @Override
    public void close() throws IOException {
        watch.close();
    }
}
