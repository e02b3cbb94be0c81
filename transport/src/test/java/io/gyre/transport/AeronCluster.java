package io.gyre.transport;

import io.gyre.local.LocalCluster;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.function.ObjIntConsumer;

/** Ranks as threads of this JVM over Aeron; each has its own driver and session, as a process would. */
final class AeronCluster {

    private AeronCluster() {}

    /** A cluster whose ranks meet through a file in {@code directory}. */
    static LocalCluster of(int ranks, TransportMode mode, Path directory) {
        return of(ranks, (options, rank) -> options.transport(mode), directory);
    }

    /** The same, on named hosts: ranks on hosts of different names share no memory, and use UDP. */
    static LocalCluster onHosts(int ranks, IntFunction<String> hostOfRank, Path directory) {
        return of(ranks, (options, rank) -> options.hostId(hostOfRank.apply(rank)), directory);
    }

    private static LocalCluster of(int ranks, ObjIntConsumer<JoinOptions.Builder> settings, Path directory) {
        AtomicInteger runs = new AtomicInteger();
        LocalCluster.Network network = (size, peerTimeout) -> {
            Path file = directory.resolve("rendezvous-" + runs.incrementAndGet());
            return rank -> {
                JoinOptions.Builder options =
                        JoinOptions.builder(rank, size, file.toString()).peerTimeout(peerTimeout);
                settings.accept(options, rank);
                return AeronSession.join(options.build());
            };
        };
        return LocalCluster.over(network, ranks);
    }
}
