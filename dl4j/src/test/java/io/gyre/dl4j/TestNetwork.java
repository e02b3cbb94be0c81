package io.gyre.dl4j;

import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.TransportMode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The networks over which training is tested: ranks are threads of this JVM on all of them. */
enum TestNetwork {
    LOCAL {
        @Override
        LocalCluster cluster(int ranks) {
            return Gyre.local(ranks);
        }
    },
    SHM {
        @Override
        LocalCluster cluster(int ranks) {
            return overAeron(ranks, TransportMode.SHM);
        }
    },
    IPC {
        @Override
        LocalCluster cluster(int ranks) {
            return overAeron(ranks, TransportMode.IPC);
        }
    },
    UDP {
        @Override
        LocalCluster cluster(int ranks) {
            return overAeron(ranks, TransportMode.UDP);
        }
    };

    abstract LocalCluster cluster(int ranks);

    private static LocalCluster overAeron(int ranks, TransportMode mode) {
        return LocalCluster.over(
                (worldSize, peerTimeout) -> {
                    String file = rendezvousFile();
                    return rank -> AeronSession.join(JoinOptions.builder(rank, worldSize, file)
                            .transport(mode)
                            .peerTimeout(peerTimeout)
                            .build());
                },
                ranks);
    }

    private static String rendezvousFile() {
        try {
            Path directory = Files.createTempDirectory("gyre-test");
            directory.toFile().deleteOnExit();
            return directory.resolve("rendezvous").toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
