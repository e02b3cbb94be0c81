package io.gyre.transport;

import io.gyre.local.LocalCluster;
import io.gyre.testkit.EndpointContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class IpcEndpointContractTest extends EndpointContract {

    @TempDir
    Path directory;

    @Override
    protected LocalCluster cluster(int ranks) {
        return AeronCluster.of(ranks, TransportMode.IPC, directory);
    }
}
