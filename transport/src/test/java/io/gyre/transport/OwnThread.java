package io.gyre.transport;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;

/**
 * Runs a call that waits for another rank on its own thread. The common pool will not do: on two cores it has one
 * thread, where the second rank would wait for the first to end.
 */
final class OwnThread {

    private OwnThread() {}

    static <T> CompletableFuture<T> call(Callable<T> callable) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        result.complete(callable.call());
                    } catch (Throwable failure) {
                        result.completeExceptionally(failure);
                    }
                },
                "own-thread-of-a-test");
        thread.setDaemon(true);
        thread.start();
        return result;
    }
}
