package io.gyre.paramserver;

import io.gyre.local.LocalCluster;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.TransportMode;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Over Aeron, with ranks as threads of this JVM. */
class AeronSoftMemoryBoxTest {

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
    class InSharedMemory extends SoftMemoryBoxContract {
        @Override
        LocalCluster.Network network() {
            return AeronSoftMemoryBoxTest.this.network(TransportMode.AUTO);
        }
    }

    @Nested
    class OverUdp extends SoftMemoryBoxContract {
        @Override
        LocalCluster.Network network() {
            return AeronSoftMemoryBoxTest.this.network(TransportMode.UDP);
        }

        @Test
        @Tag("long")
        void aMillionCountsAreAllThereOnce() throws Exception {
            count(10_000, 25, 4);
        }
    }
}
