package io.gyre.transport;

import io.gyre.LocalCluster;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/** Ranks as threads of this JVM over Aeron; each has a driver and a session of its own, as a process would. */
final class AeronCluster {

    private AeronCluster() {}

    /** A cluster whose ranks meet through a file in {@code directory}. */
    static LocalCluster of(int ranks, TransportMode mode, Path directory) {
        AtomicInteger runs = new AtomicInteger();
        LocalCluster.Network network = (size, peerTimeout) -> {
            Path file = directory.resolve("rendezvous-" + runs.incrementAndGet());
            return rank -> AeronSession.join(JoinOptions.builder(rank, size, file.toString())
                    .transport(mode)
                    .peerTimeout(peerTimeout)
                    .build());
        };
        return LocalCluster.over(network, ranks);
    }
}
