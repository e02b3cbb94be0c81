package io.gyre.benchmarks.jmh;

import io.gyre.session.Session;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.TransportMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** Two ranks in this JVM, each with its own driver, as in two processes. */
final class SessionPair implements AutoCloseable {

    private final Path directory;
    private final Session first;
    private final Session second;

    private SessionPair(Path directory, Session first, Session second) {
        this.directory = directory;
        this.first = first;
        this.second = second;
    }

    /** Joins both ranks. */
    static SessionPair over(TransportMode transport) throws IOException, InterruptedException, ExecutionException {
        Path directory = Files.createTempDirectory("gyre-jmh");
        String rendezvous = directory.resolve("rendezvous").toString();
        FutureTask<Session> joining = new FutureTask<>(() -> join(1, rendezvous, transport));
        new Thread(joining, "join-1").start();
        return new SessionPair(directory, join(0, rendezvous, transport), joining.get());
    }

    private static Session join(int rank, String rendezvous, TransportMode transport) {
        return AeronSession.join(
                JoinOptions.builder(rank, 2, rendezvous).transport(transport).build());
    }

    Session first() {
        return first;
    }

    Session second() {
        return second;
    }

    /** Closes both sessions. */
    @Override
    public void close() throws IOException {
        second.close();
        first.close();
        Files.deleteIfExists(directory.resolve("rendezvous"));
        Files.deleteIfExists(directory);
    }
}
