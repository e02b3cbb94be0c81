package io.gyre.transport;

import io.gyre.allreduce.RingCollective;
import io.gyre.local.LocalCluster;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.testkit.CollectiveContract;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;

class IpcCollectiveContractTest extends CollectiveContract {

    @TempDir
    Path directory;

    @Override
    protected LocalCluster cluster(int ranks) {
        return AeronCluster.of(ranks, TransportMode.IPC, directory);
    }

    @Override
    protected Collective collective(Endpoint endpoint) {
        return new RingCollective(endpoint);
    }

    @Override
    protected IntStream worlds() {
        return IntStream.of(1, 2, 3, 4);
    }
}
