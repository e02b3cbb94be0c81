package io.gyre.allreduce;

import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.testkit.CollectiveContract;
import java.util.stream.IntStream;

/** With a codec that loses nothing, results are exact, and the contract holds as it is. */
class CompressedCollectiveContractTest extends CollectiveContract {

    @Override
    protected LocalCluster cluster(int ranks) {
        return Gyre.local(ranks);
    }

    @Override
    protected IntStream worlds() {
        return IntStream.of(1, 2, 3, 5, 8);
    }

    @Override
    protected Collective collective(Endpoint endpoint) {
        return new CompressedCollective(endpoint, new PlainCodec());
    }
}
