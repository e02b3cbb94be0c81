package io.gyre.paramserver;

import io.gyre.local.LocalCluster;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.TransportMode;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** With a backup of each shard: what clients see is the same. */
class BackedSoftMemoryBoxTest {

    @TempDir
    Path directory;

    private LocalCluster.Network network(TransportMode mode) {
        AtomicInteger runs = new AtomicInteger();
        return (size, peerTimeout) -> {
            Path file = directory.resolve(mode + "-" + runs.incrementAndGet());
            return rank -> AeronSession.join(JoinOptions.builder(rank, size, file.toString())
                    .transport(mode)
                    .peerTimeout(peerTimeout)
                    .build());
        };
    }

    @Nested
    class InProcess extends SoftMemoryBoxContract {
        @Override
        LocalCluster.Network network() {
            return LocalCluster.Network.inProcess();
        }

        @Override
        int backups() {
            return 1;
        }
    }

    @Nested
    class InSharedMemory extends SoftMemoryBoxContract {
        @Override
        LocalCluster.Network network() {
            return BackedSoftMemoryBoxTest.this.network(TransportMode.AUTO);
        }

        @Override
        int backups() {
            return 1;
        }
    }

    @Nested
    class OverUdp extends SoftMemoryBoxContract {
        @Override
        LocalCluster.Network network() {
            return BackedSoftMemoryBoxTest.this.network(TransportMode.UDP);
        }

        @Override
        int backups() {
            return 1;
        }
    }
}
